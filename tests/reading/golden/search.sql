-- cost 55
-- $1 text[] = ['ines avila', 'INES AVILA', 'Ines Avila'] from $text
-- $2 text = '%avila%' from $text
-- $3 text = '%ines%' from $text
-- $4 text = '%ines%' from $text
-- $5 text = '%ines%' from $text
-- $6 text = '%ines%\n%avila%' from $text
-- $7 text = 'ines avila' from $text
select
  (
    select row_to_json("{}")
    from (
      select
        count(*) > 5 as "hasMore",
        coalesce(
          json_agg(case hit."#" when 0 then (
            select row_to_json("{}")
            from (
              select
                'Carrier'::text as "__typename",
                encode(('Carrier:' || carrier_19.id)::bytea, 'base64') as "id",
                carrier_19.name as "name"
              from carriers carrier_19
              where carrier_19.id = hit."##"
            ) "{}"
          ) when 1 then (
            select row_to_json("{}")
            from (
              select
                'Customer'::text as "__typename",
                encode(('Customer:' || customer_20.id)::bytea, 'base64') as "id",
                customer_20.name as "name"
              from customers customer_20
              where customer_20.id = hit."##"
            ) "{}"
          ) when 2 then (
            select row_to_json("{}")
            from (
              select
                'Order'::text as "__typename",
                encode(('Order:' || order_21.id)::bytea, 'base64') as "id",
                order_21.number as "number",
                order_21.customer_name as "customerName"
              from orders order_21
              where order_21.id = hit."##"
            ) "{}"
          ) when 3 then (
            select row_to_json("{}")
            from (
              select
                'Product'::text as "__typename",
                encode(('Product:' || product_22.id)::bytea, 'base64') as "id",
                product_22.sku as "sku",
                (
                  select row_to_json("{}")
                  from (
                    select
                      'Supplier'::text as "__typename",
                      supplier_23.name as "name"
                    from suppliers supplier_23
                    where supplier_23.id = product_22.supplier_id
                  ) "{}"
                ) as "supplier"
              from products product_22
              where product_22.id = hit."##"
            ) "{}"
          ) end order by "place") filter (where "place" <= 5),
          '[]'
        ) as "nodes"
      from (
        select
          hit.*,
          row_number() over (order by "###" desc, "#", "##" desc) as "place"
        from (
          select
            0 as "#",
            carrier_1.*
          from (
            select begun.id
            from unnest($1::text[]) form cross join lateral (
              select carrier_2.id
              from carriers carrier_2
              where carrier_2.code >= form
                and carrier_2.code < form || chr(1114111)
              order by carrier_2.code
              limit 100
            ) begun union
            select begun.id
            from unnest($1::text[]) form cross join lateral (
              select carrier_3.id
              from carriers carrier_3
              where carrier_3.scac >= form
                and carrier_3.scac < form || chr(1114111)
              order by carrier_3.scac
              limit 100
            ) begun union
            select begun.id
            from unnest($1::text[]) form cross join lateral (
              select carrier_4.id
              from carriers carrier_4
              where carrier_4.name >= form
                and carrier_4.name < form || chr(1114111)
              order by carrier_4.name
              limit 100
            ) begun union (with carrier_5 as materialized (
              select carrier_5.id
              from carriers carrier_5
              where folded(((((' ' || coalesce(carrier_5.code, '')) || ' ') || coalesce(carrier_5.scac, '')) || ' ') || coalesce(carrier_5.name, '')) like folded($2::text)
                and folded(((((' ' || coalesce(carrier_5.code, '')) || ' ') || coalesce(carrier_5.scac, '')) || ' ') || coalesce(carrier_5.name, '')) like folded($3::text)
                and folded(((((' ' || coalesce(carrier_5.code, '')) || ' ') || coalesce(carrier_5.scac, '')) || ' ') || coalesce(carrier_5.name, '')) like folded($4::text)
                and folded(((((' ' || coalesce(carrier_5.code, '')) || ' ') || coalesce(carrier_5.scac, '')) || ' ') || coalesce(carrier_5.name, '')) like folded($5::text)
                and folded(((((' ' || coalesce(carrier_5.code, '')) || ' ') || coalesce(carrier_5.scac, '')) || ' ') || coalesce(carrier_5.name, '')) like all (string_to_array(folded($6::text), chr(10)))
            ) select id from carrier_5 limit 100)
          ) candidate cross join lateral (
            select
              carrier_1.id as "##",
              (
                select max(case when told = folded($7::text) then 3 when starts_with(told, folded($7::text)) then 2 else 0 end + similarity(told, folded($7::text)))
                from unnest(array[folded(carrier_1.code), folded(carrier_1.scac), folded(carrier_1.name)]) told
              ) as "###"
            from carriers carrier_1
            where carrier_1.id = candidate.id
            limit 1
          ) carrier_1
          union all
          select
            1 as "#",
            customer_6.*
          from (
            select begun.id
            from unnest($1::text[]) form cross join lateral (
              select customer_7.id
              from customers customer_7
              where customer_7.number >= form
                and customer_7.number < form || chr(1114111)
              order by customer_7.number
              limit 100
            ) begun union
            select begun.id
            from unnest($1::text[]) form cross join lateral (
              select customer_8.id
              from customers customer_8
              where customer_8.name >= form
                and customer_8.name < form || chr(1114111)
              order by customer_8.name
              limit 100
            ) begun union
            select begun.id
            from unnest($1::text[]) form cross join lateral (
              select customer_9.id
              from customers customer_9
              where customer_9.email >= form
                and customer_9.email < form || chr(1114111)
              order by customer_9.email
              limit 100
            ) begun union (with customer_10 as materialized (
              select customer_10.id
              from customers customer_10
              where folded(((((' ' || coalesce(customer_10.number, '')) || ' ') || coalesce(customer_10.name, '')) || ' ') || coalesce(customer_10.email, '')) like folded($2::text)
                and folded(((((' ' || coalesce(customer_10.number, '')) || ' ') || coalesce(customer_10.name, '')) || ' ') || coalesce(customer_10.email, '')) like folded($3::text)
                and folded(((((' ' || coalesce(customer_10.number, '')) || ' ') || coalesce(customer_10.name, '')) || ' ') || coalesce(customer_10.email, '')) like folded($4::text)
                and folded(((((' ' || coalesce(customer_10.number, '')) || ' ') || coalesce(customer_10.name, '')) || ' ') || coalesce(customer_10.email, '')) like folded($5::text)
                and folded(((((' ' || coalesce(customer_10.number, '')) || ' ') || coalesce(customer_10.name, '')) || ' ') || coalesce(customer_10.email, '')) like all (string_to_array(folded($6::text), chr(10)))
            ) select id from customer_10 limit 100)
          ) candidate cross join lateral (
            select
              customer_6.id as "##",
              (
                select max(case when told = folded($7::text) then 3 when starts_with(told, folded($7::text)) then 2 else 0 end + similarity(told, folded($7::text)))
                from unnest(array[folded(customer_6.number), folded(customer_6.name), folded(customer_6.email)]) told
              ) as "###"
            from customers customer_6
            where customer_6.id = candidate.id
            limit 1
          ) customer_6
          union all
          select
            2 as "#",
            order_11.*
          from (
            select begun.id
            from unnest($1::text[]) form cross join lateral (
              select order_12.id
              from orders order_12
              where order_12.number >= form
                and order_12.number < form || chr(1114111)
              order by order_12.number
              limit 100
            ) begun union (with order_13 as materialized (
              select order_13.id
              from orders order_13
              where folded(((((' ' || coalesce(order_13.number, '')) || ' ') || coalesce(order_13.customer_name, '')) || ' ') || coalesce(order_13.customer_email, '')) like folded($2::text)
                and folded(((((' ' || coalesce(order_13.number, '')) || ' ') || coalesce(order_13.customer_name, '')) || ' ') || coalesce(order_13.customer_email, '')) like folded($3::text)
                and folded(((((' ' || coalesce(order_13.number, '')) || ' ') || coalesce(order_13.customer_name, '')) || ' ') || coalesce(order_13.customer_email, '')) like folded($4::text)
                and folded(((((' ' || coalesce(order_13.number, '')) || ' ') || coalesce(order_13.customer_name, '')) || ' ') || coalesce(order_13.customer_email, '')) like folded($5::text)
                and folded(((((' ' || coalesce(order_13.number, '')) || ' ') || coalesce(order_13.customer_name, '')) || ' ') || coalesce(order_13.customer_email, '')) like all (string_to_array(folded($6::text), chr(10)))
            ) select id from order_13 limit 100)
          ) candidate cross join lateral (
            select
              order_11.id as "##",
              (
                select max(case when told = folded($7::text) then 3 when starts_with(told, folded($7::text)) then 2 else 0 end + similarity(told, folded($7::text)))
                from unnest(array[folded(order_11.number), folded(order_11.customer_name), folded(order_11.customer_email)]) told
              ) as "###"
            from orders order_11
            where order_11.id = candidate.id
            limit 1
          ) order_11
          union all
          select
            3 as "#",
            product_14.*
          from (
            select begun.id
            from unnest($1::text[]) form cross join lateral (
              select product_15.id
              from products product_15
              where product_15.sku >= form
                and product_15.sku < form || chr(1114111)
              order by product_15.sku
              limit 100
            ) begun union
            select begun.id
            from unnest($1::text[]) form cross join lateral (
              select product_16.id
              from products product_16
              where product_16.gtin >= form
                and product_16.gtin < form || chr(1114111)
              order by product_16.gtin
              limit 100
            ) begun union
            select begun.id
            from unnest($1::text[]) form cross join lateral (
              select product_17.id
              from products product_17
              where product_17.name >= form
                and product_17.name < form || chr(1114111)
              order by product_17.name
              limit 100
            ) begun union (with product_18 as materialized (
              select product_18.id
              from products product_18
              where folded(((((' ' || coalesce(product_18.sku, '')) || ' ') || coalesce(product_18.gtin, '')) || ' ') || coalesce(product_18.name, '')) like folded($2::text)
                and folded(((((' ' || coalesce(product_18.sku, '')) || ' ') || coalesce(product_18.gtin, '')) || ' ') || coalesce(product_18.name, '')) like folded($3::text)
                and folded(((((' ' || coalesce(product_18.sku, '')) || ' ') || coalesce(product_18.gtin, '')) || ' ') || coalesce(product_18.name, '')) like folded($4::text)
                and folded(((((' ' || coalesce(product_18.sku, '')) || ' ') || coalesce(product_18.gtin, '')) || ' ') || coalesce(product_18.name, '')) like folded($5::text)
                and folded(((((' ' || coalesce(product_18.sku, '')) || ' ') || coalesce(product_18.gtin, '')) || ' ') || coalesce(product_18.name, '')) like all (string_to_array(folded($6::text), chr(10)))
            ) select id from product_18 limit 100)
          ) candidate cross join lateral (
            select
              product_14.id as "##",
              (
                select max(case when told = folded($7::text) then 3 when starts_with(told, folded($7::text)) then 2 else 0 end + similarity(told, folded($7::text)))
                from unnest(array[folded(product_14.sku), folded(product_14.gtin), folded(product_14.name)]) told
              ) as "###"
            from products product_14
            where product_14.id = candidate.id
            limit 1
          ) product_14
        ) hit
        order by "place"
        limit 6
      ) hit
      having true
    ) "{}"
  ) as "0",
  (
    select row_to_json("{}")
    from (
      select (
        select coalesce(json_agg(row_to_json("{}")), '[]')
        from (
          select
            user_24.name as "name",
            case when user_24.customer_id is not null then (
              select row_to_json("{}")
              from (
                select
                  'Customer'::text as "__typename",
                  customer_25.name as "name",
                  customer_25.number as "number"
                from customers customer_25
                where customer_25.id = user_24.customer_id
              ) "{}"
            ) when user_24.supplier_id is not null then (
              select row_to_json("{}")
              from (
                select
                  'Supplier'::text as "__typename",
                  supplier_26.name as "name"
                from suppliers supplier_26
                where supplier_26.id = user_24.supplier_id
              ) "{}"
            ) when user_24.carrier_id is not null then (
              select row_to_json("{}")
              from (
                select
                  'Carrier'::text as "__typename",
                  carrier_27.name as "name"
                from carriers carrier_27
                where carrier_27.id = user_24.carrier_id
              ) "{}"
            ) end as "actsFor"
          from users user_24
          order by user_24.id
          limit 2
        ) "{}"
      ) as "nodes"
    ) "{}"
  ) as "1"
