-- cost 25
select (
  select row_to_json("{}")
  from (
    select
      coalesce(
        json_agg((
          select row_to_json("{}")
          from (
            select
              translate(encode(convert_to(json_build_array('name-,sku+,id+', product_1.name, product_1.sku, product_1.id)::text, 'UTF8'), 'base64'), E'\n', '') as "cursor",
              (select row_to_json("{}") from (select product_1.sku as "sku") "{}") as "node"
          ) "{}"
        ) order by product_1."#" desc) filter (where product_1."#" <= 2),
        '[]'
      ) as "edges",
      json_build_object(
        'hasPreviousPage',
        (count(*) > 2 or false),
        'hasNextPage',
        false,
        'startCursor',
        max(translate(encode(convert_to(json_build_array('name-,sku+,id+', product_1.name, product_1.sku, product_1.id)::text, 'UTF8'), 'base64'), E'\n', '')) filter (where product_1."#" = least(2, product_1."##") and product_1."#" <= 2),
        'endCursor',
        max(translate(encode(convert_to(json_build_array('name-,sku+,id+', product_1.name, product_1.sku, product_1.id)::text, 'UTF8'), 'base64'), E'\n', '')) filter (where product_1."#" = 1 and product_1."#" <= 2)
      ) as "pageInfo",
      (select count(*) from products product_4) as "totalCount"
    from (
      select
        product_1.*,
        row_number() over () as "#",
        count(*) over () as "##"
      from (
        select *
        from products product_1
        order by product_1.name, product_1.sku desc, product_1.id desc
        limit 3
      ) product_1
    ) product_1
    having true
  ) "{}"
) as "0"
