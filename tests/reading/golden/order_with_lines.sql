-- cost 42
-- $1 text = 'O-10000001' from $number
-- $2 bigint = 1 from the caller's customer_id
select (
  select row_to_json("{}")
  from (
    select
      encode(('Order:' || order_1.id)::bytea, 'base64') as "id",
      order_1.status as "status",
      order_1.placed_at as "placedAt",
      case when coalesce(order_1.shipping_line1, order_1.shipping_city, order_1.shipping_country_code) is not null then (
        select row_to_json("{}")
        from (
          select
            order_1.shipping_recipient as "recipient",
            order_1.shipping_line1 as "line1",
            order_1.shipping_city as "city",
            order_1.shipping_country_code as "countryCode",
            trim_scale(order_1.shipping_latitude)::text as "latitude"
        ) "{}"
      ) end as "shipTo",
      case when order_1.subtotal_amount is not null then (
        select row_to_json("{}")
        from (select trim_scale(order_1.subtotal_amount)::text as "amount") "{}"
      ) end as "subtotal",
      case when order_1.total_amount is not null then (
        select row_to_json("{}")
        from (
          select
            trim_scale(order_1.total_amount)::text as "amount",
            order_1.currency as "currency"
        ) "{}"
      ) end as "total",
      (
        SELECT CAST(least(coalesce(sum(counted_line.quantity), 0), 2147483647) AS INTEGER) AS least_1
        FROM order_lines AS counted_line
        WHERE counted_line.order_id = order_1.id
      ) as "pieces",
      CASE WHEN (order_1.status = 'CART') THEN ARRAY['SET_LINE',
      'PLACE',
      'ABANDON']::text[] WHEN (order_1.status = 'PLACED') THEN ARRAY['ALLOCATE',
      'CANCEL']::text[] WHEN (order_1.status = 'PARTIALLY_ALLOCATED') THEN ARRAY['ALLOCATE',
      'SHIP',
      'CANCEL']::text[] WHEN (order_1.status = 'ALLOCATED') THEN ARRAY['ALLOCATE',
      'SHIP',
      'CANCEL']::text[] WHEN (order_1.status = 'PARTIALLY_SHIPPED') THEN ARRAY['ALLOCATE',
      'SHIP',
      'RETURN']::text[] WHEN (order_1.status = 'SHIPPED') THEN ARRAY['DELIVER',
      'RETURN']::text[] WHEN (order_1.status = 'DELIVERED') THEN ARRAY['RETURN']::text[] WHEN (order_1.status = 'CANCELLED') THEN ARRAY[]::text[] WHEN (order_1.status = 'ABANDONED') THEN ARRAY[]::text[] ELSE ARRAY[]::text[] END as "allowedActions",
      (
        select row_to_json("{}")
        from (
          select (
            select coalesce(json_agg(row_to_json("{}")), '[]')
            from (
              select
                order_line_2.position as "position",
                order_line_2.quantity as "quantity",
                case when order_line_2.unit_price_amount is not null then (
                  select row_to_json("{}")
                  from (select trim_scale(order_line_2.unit_price_amount)::text as "amount") "{}"
                ) end as "unitPrice",
                case when order_line_2.freight_amount is not null then (
                  select row_to_json("{}")
                  from (select trim_scale(order_line_2.freight_amount)::text as "amount") "{}"
                ) end as "freight",
                (
                  select row_to_json("{}")
                  from (
                    select
                      product_3.sku as "sku",
                      product_3.name as "name"
                    from products product_3
                    where product_3.id = order_line_2.product_id
                      and (product_3.status = 'PUBLISHED')
                  ) "{}"
                ) as "product"
              from order_lines order_line_2
              where order_line_2.order_id = order_1.id
              order by order_line_2.position, order_line_2.id
              limit 20
            ) "{}"
          ) as "nodes"
        ) "{}"
      ) as "lines"
    from orders order_1
    where order_1.number = $1::text
      and (order_1.customer_id = $2::bigint)
  ) "{}"
) as "0"
