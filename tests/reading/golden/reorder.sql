-- cost 82
select (
  select row_to_json("{}")
  from (
    select (
      select coalesce(json_agg(row_to_json("{}")), '[]')
      from (
        select
          stock_level_1.on_hand as "onHand",
          stock_level_1.held as "held",
          stock_level_1.on_hand - stock_level_1.held as "available",
          stock_level_1.reorder_point as "reorderPoint",
          coalesce(stock_level_1.on_hand - stock_level_1.held <= stock_level_1.reorder_point, false) as "belowReorderPoint",
          (
            select row_to_json("{}")
            from (
              select
                product_2.sku as "sku",
                (
                  select row_to_json("{}")
                  from (
                    select supplier_3.code as "code"
                    from suppliers supplier_3
                    where supplier_3.id = product_2.supplier_id
                  ) "{}"
                ) as "supplier"
              from products product_2
              where product_2.id = stock_level_1.product_id
            ) "{}"
          ) as "product",
          (
            select row_to_json("{}")
            from (
              select location_4.code as "code"
              from locations location_4
              where location_4.id = stock_level_1.location_id
            ) "{}"
          ) as "location"
        from stock_levels stock_level_1
        where stock_level_1.reorder_point is not null
        order by stock_level_1.id
        limit 20
      ) "{}"
    ) as "nodes"
  ) "{}"
) as "0"
