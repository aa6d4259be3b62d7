-- cost 7
select (
  select row_to_json("{}")
  from (
    select
      coalesce(
        json_agg((
          select row_to_json("{}")
          from (
            select
              translate(encode(convert_to(json_build_array('name+,id+', product_1.name, product_1.id)::text, 'UTF8'), 'base64'), E'\n', '') as "cursor",
              (
                select row_to_json("{}")
                from (
                  select
                    encode(('Product:' || product_1.id)::bytea, 'base64') as "id",
                    product_1.sku as "sku",
                    product_1.name as "name",
                    product_1.status as "status",
                    product_1.weight_grams as "weightGrams",
                    (
                      SELECT CAST(least(coalesce(sum(available_level.on_hand - available_level.held), 0), 2147483647) AS INTEGER) AS least_1
                      FROM stock_levels AS available_level JOIN locations AS available_place ON available_place.id = available_level.location_id
                        AND available_place.sells
                        AND available_place.fulfils
                      WHERE available_level.product_id = product_1.id
                    ) as "available",
                    CASE WHEN (product_1.status = 'DRAFT') THEN ARRAY['UPDATE',
                    'PUBLISH',
                    'ARCHIVE']::text[] WHEN (product_1.status = 'PUBLISHED') THEN ARRAY['UPDATE',
                    'ARCHIVE']::text[] WHEN (product_1.status = 'ARCHIVED') THEN ARRAY['UPDATE',
                    'PUBLISH']::text[] ELSE ARRAY[]::text[] END as "allowedActions",
                    (
                      select coalesce(json_agg(row_to_json("{}")), '[]')
                      from (
                        select
                          reference.source as "source",
                          reference.value as "value"
                        from jsonb_to_recordset(product_1.external_references) as reference(source text, value text)
                      ) "{}"
                    ) as "externalReferences"
                ) "{}"
              ) as "node"
          ) "{}"
        )) filter (where product_1."#" <= 3),
        '[]'
      ) as "edges",
      json_build_object(
        'hasNextPage',
        (count(*) > 3 or false),
        'endCursor',
        max(translate(encode(convert_to(json_build_array('name+,id+', product_1.name, product_1.id)::text, 'UTF8'), 'base64'), E'\n', '')) filter (where product_1."#" = least(3, product_1."##") and product_1."#" <= 3)
      ) as "pageInfo"
    from (
      select
        product_1.*,
        row_number() over () as "#",
        count(*) over () as "##"
      from (
        select *
        from products product_1
        order by product_1.name, product_1.id
        limit 4
      ) product_1
    ) product_1
    having true
  ) "{}"
) as "0"
