-- cost 1781
select (
  select row_to_json("{}")
  from (
    select (
      select coalesce(json_agg(row_to_json("{}")), '[]')
      from (
        select
          order_1.number as "number",
          (
            select row_to_json("{}")
            from (
              select customer_2.name as "name"
              from customers customer_2
              where customer_2.id = order_1.customer_id
            ) "{}"
          ) as "customer",
          (
            select row_to_json("{}")
            from (
              select (
                select coalesce(json_agg(row_to_json("{}")), '[]')
                from (
                  select
                    order_line_3.quantity as "quantity",
                    (
                      select row_to_json("{}")
                      from (
                        select
                          product_4.sku as "sku",
                          product_4.name as "name"
                        from products product_4
                        where product_4.id = order_line_3.product_id
                      ) "{}"
                    ) as "product"
                  from order_lines order_line_3
                  where order_line_3.order_id = order_1.id
                  order by order_line_3.position, order_line_3.id
                  limit 10
                ) "{}"
              ) as "nodes"
            ) "{}"
          ) as "lines",
          (
            select row_to_json("{}")
            from (
              select (
                select coalesce(json_agg(row_to_json("{}")), '[]')
                from (
                  select
                    shipment_5.number as "number",
                    (
                      select row_to_json("{}")
                      from (
                        select location_6.code as "code"
                        from locations location_6
                        where location_6.id = shipment_5.origin_location_id
                      ) "{}"
                    ) as "origin",
                    (
                      select row_to_json("{}")
                      from (
                        select (
                          select coalesce(json_agg(row_to_json("{}")), '[]')
                          from (
                            select
                              tracking_event_7.status as "status",
                              tracking_event_7.occurred_at as "occurredAt"
                            from tracking_events tracking_event_7
                            where tracking_event_7.shipment_id = shipment_5.id
                            order by tracking_event_7.occurred_at, tracking_event_7.id
                            limit 10
                          ) "{}"
                        ) as "nodes"
                      ) "{}"
                    ) as "trackingEvents"
                  from shipments shipment_5
                  where shipment_5.order_id = order_1.id
                  order by shipment_5.id
                  limit 5
                ) "{}"
              ) as "nodes"
            ) "{}"
          ) as "shipments"
        from orders order_1
        order by order_1.created_at desc, order_1.id desc
        limit 20
      ) "{}"
    ) as "nodes"
  ) "{}"
) as "0"
