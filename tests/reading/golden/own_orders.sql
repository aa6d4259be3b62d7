-- cost 481
-- $1 bigint = 1 from the caller's customer_id
select (
  select row_to_json("{}")
  from (
    select
      (
        select count(*)
        from orders order_1
        where (order_1.customer_id = $1::bigint)
      ) as "totalCount",
      (
        select coalesce(json_agg(row_to_json("{}")), '[]')
        from (
          select
            order_2.number as "number",
            order_2.status as "status",
            (
              select row_to_json("{}")
              from (
                select customer_3.number as "number"
                from customers customer_3
                where customer_3.id = order_2.customer_id
                  and (customer_3.id = $1::bigint)
              ) "{}"
            ) as "customer",
            (
              select row_to_json("{}")
              from (
                select (
                  select coalesce(json_agg(row_to_json("{}")), '[]')
                  from (
                    select
                      shipment_4.tracking_number as "trackingNumber",
                      coalesce(shipment_4.delivered_at > shipment_4.estimated_delivery_at, false) as "deliveredLate"
                    from shipments shipment_4
                    where shipment_4.order_id = order_2.id
                      and (shipment_4.customer_id = $1::bigint)
                    order by shipment_4.id
                    limit 20
                  ) "{}"
                ) as "nodes"
              ) "{}"
            ) as "shipments",
            (
              select row_to_json("{}")
              from (
                select (
                  select count(*)
                  from stock_holds stock_hold_5
                  where stock_hold_5.order_id = order_2.id
                    and (false)
                ) as "totalCount"
              ) "{}"
            ) as "holds"
          from orders order_2
          where (order_2.customer_id = $1::bigint)
          order by order_2.number desc, order_2.id desc
          limit 20
        ) "{}"
      ) as "nodes"
  ) "{}"
) as "0"
