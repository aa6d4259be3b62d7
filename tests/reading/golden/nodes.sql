-- cost 6
-- $1 bigint = 1 from $id
-- $2 bigint = 1
-- $3 bigint = 1
-- $4 bigint = 4
select
  (
    select row_to_json("{}")
    from (
      select
        'Product'::text as "__typename",
        encode(('Product:' || product_1.id)::bytea, 'base64') as "id",
        product_1.sku as "sku",
        (
          select row_to_json("{}")
          from (
            select (
              select coalesce(json_agg(row_to_json("{}")), '[]')
              from (
                select case when price_2.amount is not null then (
                  select row_to_json("{}")
                  from (select trim_scale(price_2.amount)::text as "amount") "{}"
                ) end as "amount"
                from prices price_2
                where price_2.product_id = product_1.id
                order by price_2.channel_id, price_2.id
                limit 1
              ) "{}"
            ) as "nodes"
          ) "{}"
        ) as "prices"
      from products product_1
      where product_1.id = $1::bigint
        and (product_1.status = 'PUBLISHED')
    ) "{}"
  ) as "0",
  json_build_array(
    (
      select row_to_json("{}")
      from (
        select
          'Location'::text as "__typename",
          location_3.code as "code",
          case when coalesce(location_3.line1, location_3.city, location_3.country_code) is not null then (select row_to_json("{}") from (select location_3.city as "city") "{}") end as "address"
        from locations location_3
        where location_3.id = $2::bigint
          and (location_3.sells AND location_3.kind IN ('DISTRIBUTION_CENTRE', 'IN_TRANSIT', 'PLANT', 'STORE', 'SUPPLIER', 'THIRD_PARTY', 'VIRTUAL', 'WAREHOUSE'))
      ) "{}"
    ),
    (
      select row_to_json("{}")
      from (
        select
          'Order'::text as "__typename",
          order_4.number as "number"
        from orders order_4
        where order_4.id = $3::bigint
          and (false)
      ) "{}"
    ),
    (
      select row_to_json("{}")
      from (
        select
          'Location'::text as "__typename",
          location_5.code as "code",
          case when coalesce(location_5.line1, location_5.city, location_5.country_code) is not null then (select row_to_json("{}") from (select location_5.city as "city") "{}") end as "address"
        from locations location_5
        where location_5.id = $4::bigint
          and (location_5.sells AND location_5.kind IN ('DISTRIBUTION_CENTRE', 'IN_TRANSIT', 'PLANT', 'STORE', 'SUPPLIER', 'THIRD_PARTY', 'VIRTUAL', 'WAREHOUSE'))
      ) "{}"
    ),
    null
  ) as "1"
