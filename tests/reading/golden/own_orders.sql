-- cost 901
-- $1 bigint = 1 from the caller's customer_id
select (
  select row_to_json("{}")
  from (
    select
      (
        select count(*)
        from orders order_2
        where (order_2.customer_id = $1::bigint)
      ) as "totalCount",
      (
        select coalesce(json_agg(row_to_json("{}")), '[]')
        from (
          select
            order_3.number as "number",
            order_3.status as "status",
            (
              select row_to_json("{}")
              from (
                select customer_4.number as "number"
                from customers customer_4
                where customer_4.id = order_3.customer_id
                  and (customer_4.id = $1::bigint)
              ) "{}"
            ) as "customer",
            (
              select row_to_json("{}")
              from (
                select (
                  select coalesce(json_agg(row_to_json("{}")), '[]')
                  from (
                    select
                      shipment_5.tracking_number as "trackingNumber",
                      coalesce(shipment_5.delivered_at > shipment_5.estimated_delivery_at, false) as "deliveredLate"
                    from shipments shipment_5
                    where shipment_5.order_id = order_3.id
                      and (shipment_5.customer_id = $1::bigint)
                    order by shipment_5.id
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
                  from stock_holds stock_hold_7
                  where stock_hold_7.order_id = order_3.id
                    and (false)
                ) as "totalCount"
              ) "{}"
            ) as "holds"
          from orders order_3
          where (order_3.customer_id = $1::bigint)
          order by order_3.number desc, order_3.id desc
          limit 20
        ) "{}"
      ) as "nodes"
  ) "{}"
) as "0"
