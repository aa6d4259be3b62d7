-- cost 1447
-- $1 bigint = 1 from $customer
select (
  select row_to_json("{}")
  from (
    select
      customer_1.name as "name",
      (
        select row_to_json("{}")
        from (
          select (
            select coalesce(json_agg(row_to_json("{}")), '[]')
            from (
              select
                order_2.number as "number",
                order_2.status as "status",
                case when order_2.total_amount is not null then (
                  select row_to_json("{}")
                  from (
                    select
                      trim_scale(order_2.total_amount)::text as "amount",
                      order_2.currency as "currency"
                  ) "{}"
                ) end as "total",
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
                                (
                                  select row_to_json("{}")
                                  from (
                                    select (
                                      select coalesce(json_agg(row_to_json("{}")), '[]')
                                      from (
                                        select
                                          stock_level_5.on_hand - stock_level_5.held as "available",
                                          (
                                            select row_to_json("{}")
                                            from (
                                              select location_6.name as "name"
                                              from locations location_6
                                              where location_6.id = stock_level_5.location_id
                                            ) "{}"
                                          ) as "location"
                                        from stock_levels stock_level_5
                                        where stock_level_5.product_id = product_4.id
                                        order by stock_level_5.location_id, stock_level_5.id
                                        limit 5
                                      ) "{}"
                                    ) as "nodes"
                                  ) "{}"
                                ) as "stockLevels"
                              from products product_4
                              where product_4.id = order_line_3.product_id
                            ) "{}"
                          ) as "product"
                        from order_lines order_line_3
                        where order_line_3.order_id = order_2.id
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
                          shipment_7.number as "number",
                          shipment_7.status as "status",
                          (
                            select row_to_json("{}")
                            from (
                              select carrier_8.name as "name"
                              from carriers carrier_8
                              where carrier_8.id = shipment_7.carrier_id
                            ) "{}"
                          ) as "carrier",
                          (
                            select row_to_json("{}")
                            from (
                              select (
                                select coalesce(json_agg(row_to_json("{}")), '[]')
                                from (
                                  select
                                    tracking_event_9.status as "status",
                                    tracking_event_9.occurred_at as "occurredAt",
                                    tracking_event_9.place as "place"
                                  from tracking_events tracking_event_9
                                  where tracking_event_9.shipment_id = shipment_7.id
                                  order by tracking_event_9.occurred_at, tracking_event_9.id
                                  limit 10
                                ) "{}"
                              ) as "nodes"
                            ) "{}"
                          ) as "trackingEvents"
                        from shipments shipment_7
                        where shipment_7.order_id = order_2.id
                        order by shipment_7.id
                        limit 5
                      ) "{}"
                    ) as "nodes"
                  ) "{}"
                ) as "shipments",
                (
                  select row_to_json("{}")
                  from (
                    select (
                      select coalesce(json_agg(row_to_json("{}")), '[]')
                      from (
                        select
                          return_10.number as "number",
                          return_10.status as "status",
                          return_10.reason as "reason",
                          (
                            select row_to_json("{}")
                            from (
                              select (
                                select coalesce(json_agg(row_to_json("{}")), '[]')
                                from (
                                  select
                                    return_line_11.quantity as "quantity",
                                    return_line_11.disposition as "disposition"
                                  from return_lines return_line_11
                                  where return_line_11.return_id = return_10.id
                                  order by return_line_11.id
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
                                  select case when refund_12.amount is not null then (
                                    select row_to_json("{}")
                                    from (
                                      select
                                        trim_scale(refund_12.amount)::text as "amount",
                                        refund_12.currency as "currency"
                                    ) "{}"
                                  ) end as "amount"
                                  from refunds refund_12
                                  where refund_12.return_id = return_10.id
                                  order by refund_12.recorded_at, refund_12.id
                                  limit 5
                                ) "{}"
                              ) as "nodes"
                            ) "{}"
                          ) as "refunds"
                        from returns return_10
                        where return_10.order_id = order_2.id
                        order by return_10.id
                        limit 5
                      ) "{}"
                    ) as "nodes"
                  ) "{}"
                ) as "returns"
              from orders order_2
              where order_2.customer_id = customer_1.id
              order by order_2.created_at, order_2.id
              limit 5
            ) "{}"
          ) as "nodes"
        ) "{}"
      ) as "orders"
    from customers customer_1
    where customer_1.id = $1::bigint
  ) "{}"
) as "0"
