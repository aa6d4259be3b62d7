-- cost 1681
select (
  select row_to_json("{}")
  from (
    select (
      select coalesce(json_agg(row_to_json("{}")), '[]')
      from (
        select
          product_1.sku as "sku",
          product_1.name as "name",
          (
            select row_to_json("{}")
            from (
              select supplier_2.name as "name"
              from suppliers supplier_2
              where supplier_2.id = product_1.supplier_id
                and (false)
            ) "{}"
          ) as "supplier",
          (
            SELECT CAST(least(coalesce(sum(available_level.on_hand - available_level.held), 0), 2147483647) AS INTEGER) AS least_1
            FROM stock_levels AS available_level JOIN locations AS available_place ON available_place.id = available_level.location_id
              AND available_place.sells
              AND available_place.fulfils
            WHERE available_level.product_id = product_1.id
          ) as "available",
          (
            select row_to_json("{}")
            from (
              select (
                select coalesce(json_agg(row_to_json("{}")), '[]')
                from (
                  select
                    (
                      select row_to_json("{}")
                      from (
                        select channel_4.code as "code"
                        from channels channel_4
                        where channel_4.id = price_3.channel_id
                      ) "{}"
                    ) as "channel",
                    case when price_3.amount is not null then (
                      select row_to_json("{}")
                      from (
                        select
                          trim_scale(price_3.amount)::text as "amount",
                          price_3.currency as "currency"
                      ) "{}"
                    ) end as "amount",
                    price_3.tax_included as "taxIncluded"
                  from prices price_3
                  where price_3.product_id = product_1.id
                  order by price_3.channel_id, price_3.id
                  limit 20
                ) "{}"
              ) as "nodes"
            ) "{}"
          ) as "prices",
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
                        select location_6.code as "code"
                        from locations location_6
                        where location_6.id = stock_level_5.location_id
                          and (location_6.sells AND location_6.kind IN ('DISTRIBUTION_CENTRE', 'IN_TRANSIT', 'PLANT', 'STORE', 'SUPPLIER', 'THIRD_PARTY', 'VIRTUAL', 'WAREHOUSE'))
                      ) "{}"
                    ) as "location"
                  from stock_levels stock_level_5
                  where stock_level_5.product_id = product_1.id
                    and ((EXISTS (
                      SELECT offered_product.id
                      FROM products AS offered_product
                      WHERE offered_product.id = stock_level_5.product_id
                        AND offered_product.status = 'PUBLISHED'
                    )) AND (EXISTS (
                      SELECT selling_place.id
                      FROM locations AS selling_place
                      WHERE selling_place.id = stock_level_5.location_id
                        AND selling_place.sells
                        AND selling_place.kind IN ('DISTRIBUTION_CENTRE', 'IN_TRANSIT', 'PLANT', 'STORE', 'SUPPLIER', 'THIRD_PARTY', 'VIRTUAL', 'WAREHOUSE')
                    )))
                  order by stock_level_5.location_id, stock_level_5.id
                  limit 20
                ) "{}"
              ) as "nodes"
            ) "{}"
          ) as "stockLevels"
        from products product_1
        where (product_1.status = 'PUBLISHED')
        order by product_1.sku, product_1.id
        limit 20
      ) "{}"
    ) as "nodes"
  ) "{}"
) as "0"
