-- cost 118
-- $1 bigint = 1 from the caller's supplier_id
-- $2 integer = 4
-- $3 text = 'PORTO'
-- $4 boolean = True
-- $5 text = 'TEA' from $sku
-- $6 text = '%CUP%'
-- $7 integer = 0
-- $8 text[] = ['PUBLISHED', 'DRAFT'] from $where.status.in
-- $9 text = 'RIVAL' from $where.supplier.code.ne
select
  (
    select row_to_json("{}")
    from (
      select (
        select coalesce(json_agg(row_to_json("{}")), '[]')
        from (
          select product_1.sku as "sku"
          from products product_1
          where (product_1.status = 'PUBLISHED' OR product_1.supplier_id = $1::bigint)
            and exists (
              select from stock_levels stock_level_2
              where stock_level_2.product_id = product_1.id
                and (stock_level_2.product_id IN (
                  SELECT supplied_product.id
                  FROM products AS supplied_product
                  WHERE supplied_product.supplier_id = $1::bigint
                ))
                and stock_level_2.on_hand > $2::integer
                and exists (
                  select from locations location_3
                  where location_3.id = stock_level_2.location_id
                    and (location_3.sells AND location_3.kind IN ('DISTRIBUTION_CENTRE', 'IN_TRANSIT', 'PLANT', 'STORE', 'SUPPLIER', 'THIRD_PARTY', 'VIRTUAL', 'WAREHOUSE') OR location_3.supplier_id = $1::bigint)
                    and location_3.code = $3::text
                )
            )
          order by product_1.id
          limit 20
        ) "{}"
      ) as "nodes"
    ) "{}"
  ) as "0",
  (
    select row_to_json("{}")
    from (
      select (
        select coalesce(json_agg(row_to_json("{}")), '[]')
        from (
          select product_4.sku as "sku"
          from products product_4
          where (product_4.status = 'PUBLISHED' OR product_4.supplier_id = $1::bigint)
            and (exists (
              select from prices price_5
              where price_5.product_id = product_4.id
                and price_5.tax_included = $4::boolean
            )) is not true
          order by product_4.id
          limit 20
        ) "{}"
      ) as "nodes"
    ) "{}"
  ) as "1",
  (
    select row_to_json("{}")
    from (
      select (
        select coalesce(json_agg(row_to_json("{}")), '[]')
        from (
          select product_6.sku as "sku"
          from products product_6
          where (product_6.status = 'PUBLISHED' OR product_6.supplier_id = $1::bigint)
            and ((product_6.sku = $5::text) or (folded(((((' ' || coalesce(product_6.sku, '')) || ' ') || coalesce(product_6.gtin, '')) || ' ') || coalesce(product_6.name, '')) like folded($6::text) and folded(product_6.name) like folded($6::text)))
          order by product_6.id
          limit 20
        ) "{}"
      ) as "nodes"
    ) "{}"
  ) as "2",
  (
    select row_to_json("{}")
    from (
      select (
        select coalesce(json_agg(row_to_json("{}")), '[]')
        from (
          select product_7.sku as "sku"
          from products product_7
          where (product_7.status = 'PUBLISHED' OR product_7.supplier_id = $1::bigint)
            and (product_7.weight_grams >= $7::integer) is not true
          order by product_7.id
          limit 20
        ) "{}"
      ) as "nodes"
    ) "{}"
  ) as "3",
  (
    select row_to_json("{}")
    from (
      select (
        select coalesce(json_agg(row_to_json("{}")), '[]')
        from (
          select product_8.sku as "sku"
          from products product_8
          where (product_8.status = 'PUBLISHED' OR product_8.supplier_id = $1::bigint)
            and product_8.status = any($8::text[])
            and exists (
              select from suppliers supplier_9
              where supplier_9.id = product_8.supplier_id
                and (supplier_9.id = $1::bigint)
                and supplier_9.code <> $9::text
            )
          order by product_8.id
          limit 20
        ) "{}"
      ) as "nodes"
    ) "{}"
  ) as "4"
