-- cost 1781
select (
  select row_to_json("{}")
  from (
    select
      (select count(*) from orders order_1) as "totalCount",
      (
        select coalesce(json_agg(row_to_json("{}")), '[]')
        from (
          select
            order_2.number as "number",
            (
              select row_to_json("{}")
              from (
                select customer_3.name as "name"
                from customers customer_3
                where customer_3.id = order_2.customer_id
              ) "{}"
            ) as "customer",
            (
              select row_to_json("{}")
              from (
                select (
                  select coalesce(json_agg(row_to_json("{}")), '[]')
                  from (
                    select
                      order_line_4.quantity as "quantity",
                      (
                        select row_to_json("{}")
                        from (
                          select
                            product_5.sku as "sku",
                            product_5.name as "name"
                          from products product_5
                          where product_5.id = order_line_4.product_id
                        ) "{}"
                      ) as "product"
                    from order_lines order_line_4
                    where order_line_4.order_id = order_2.id
                    order by order_line_4.position, order_line_4.id
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
                      shipment_6.number as "number",
                      (
                        select row_to_json("{}")
                        from (
                          select location_7.code as "code"
                          from locations location_7
                          where location_7.id = shipment_6.origin_location_id
                        ) "{}"
                      ) as "origin",
                      (
                        select row_to_json("{}")
                        from (
                          select (
                            select coalesce(json_agg(row_to_json("{}")), '[]')
                            from (
                              select
                                tracking_event_8.status as "status",
                                tracking_event_8.occurred_at as "occurredAt"
                              from tracking_events tracking_event_8
                              where tracking_event_8.shipment_id = shipment_6.id
                              order by tracking_event_8.occurred_at, tracking_event_8.id
                              limit 10
                            ) "{}"
                          ) as "nodes"
                        ) "{}"
                      ) as "trackingEvents"
                    from shipments shipment_6
                    where shipment_6.order_id = order_2.id
                    order by shipment_6.id
                    limit 5
                  ) "{}"
                ) as "nodes"
              ) "{}"
            ) as "shipments"
          from orders order_2
          order by order_2.created_at desc, order_2.id desc
          limit 20
        ) "{}"
      ) as "nodes"
  ) "{}"
) as "0"
