-- The orders from `bench.first` to `bench.last`, with all that came of them; `seed.sql` stands before it.

create temporary table planned_orders on commit drop as
select n as id, pg_temp.favoured(n, 30, customers) as customer_id, 1 + pg_temp.draw(n, 31, 2) as channel_id,
       began + n * pace as placed_at, 1 + (pg_temp.draw(n, 32, 100) / 50 + pg_temp.draw(n, 33, 100) / 60)::int as lines,
       case when drawn < 80 then 'DELIVERED' when drawn < 88 then 'SHIPPED' when drawn < 93 then 'PLACED'
            when drawn < 97 then 'ALLOCATED' else 'CANCELLED' end as status,
       drawn < 80 and pg_temp.draw(n, 34, 100) < 4 as returned,
       pg_temp.draw(n, 35, 100) < 20 as splits
from sizes, lateral (select n, pg_temp.draw(n, 36, 100) as drawn
                    from generate_series(current_setting('bench.first')::bigint, current_setting('bench.last')::bigint) n
                    ) drawn;
analyze planned_orders;

create temporary table planned_lines on commit drop as
select id * 4 + place as id, id as order_id, place as position, status, placed_at, returned and place = 1 as returned,
       pg_temp.favoured(id * 4 + place, 37, products) as product_id,
       1 + pg_temp.draw(id * 4 + place, 38, 3)::int as quantity,
       5 + pg_temp.draw(id * 4 + place, 39, 50000) / 100.0 as price,
       id * 2 + case when splits and place > 1 then 1 else 0 end as fulfilment_id
from sizes, planned_orders, generate_series(1, planned_orders.lines) place;
analyze planned_lines;

insert into orders (id, status, payment_status, channel_id, currency, customer_id, customer_name, customer_email,
                    subtotal_amount, shipping_amount, total_amount, shipping_recipient, shipping_line1, shipping_city,
                    shipping_country_code, placed_at, estimated_delivery_at, shipped_at, delivered_at, cancelled_at,
                    created_at, updated_at) overriding system value
select id, status, case when status = 'CANCELLED' then 'PENDING' else 'PAID' end, channel_id, 'BRL', customer_id,
       'Customer ' || customer_id, 'customer-' || customer_id || '@mail.example', subtotal, 12.5, subtotal + 12.5,
       'Customer ' || customer_id, 'Street ' || id % 900, 'City ' || pg_temp.draw(customer_id, 12, 400), 'BR',
       placed_at, placed_at + interval '9 days',
       case when status in ('SHIPPED', 'DELIVERED') then placed_at + interval '1 day' end,
       case when status = 'DELIVERED' then placed_at + interval '6 days' end,
       case when status = 'CANCELLED' then placed_at + interval '1 hour' end, placed_at, placed_at
from planned_orders
join (select order_id, sum(price * quantity) as subtotal from planned_lines group by order_id) summed on order_id = id;

insert into order_lines (id, order_id, position, product_id, quantity, quantity_allocated, quantity_shipped,
                         quantity_returned, quantity_cancelled, unit_price_amount, currency, tax_included,
                         created_at)
overriding system value
select id, order_id, position, product_id, quantity,
       case when status in ('ALLOCATED', 'SHIPPED', 'DELIVERED') then quantity else 0 end,
       case when status in ('SHIPPED', 'DELIVERED') then quantity else 0 end,
       case when returned then quantity else 0 end,
       case when status = 'CANCELLED' then quantity else 0 end, price, 'BRL', false, placed_at
from planned_lines;

insert into fulfilments (id, order_id, customer_id, location_id, status, picked_at, packed_at, shipped_at, created_at)
overriding system value
select distinct fulfilment_id, order_id, customer_id, 1 + pg_temp.draw(fulfilment_id, 40, locations),
       case when line.status = 'ALLOCATED' then 'ALLOCATED' else 'SHIPPED' end,
       case when line.status <> 'ALLOCATED' then line.placed_at + interval '12 hours' end,
       case when line.status <> 'ALLOCATED' then line.placed_at + interval '13 hours' end,
       case when line.status <> 'ALLOCATED' then line.placed_at + interval '1 day' end, line.placed_at
from sizes, planned_lines line join planned_orders on planned_orders.id = order_id
where line.status in ('ALLOCATED', 'SHIPPED', 'DELIVERED');

insert into fulfilment_lines (id, fulfilment_id, order_line_id, product_id, quantity, quantity_picked, quantity_packed,
                              created_at) overriding system value
select id, fulfilment_id, id, product_id, quantity, case when status = 'ALLOCATED' then 0 else quantity end,
       case when status = 'ALLOCATED' then 0 else quantity end, placed_at
from planned_lines where status in ('ALLOCATED', 'SHIPPED', 'DELIVERED');

create temporary table planned_shipments on commit drop as
select distinct fulfilment_id as id, order_id, status, placed_at, case when status = 'DELIVERED' then 5 else 3 end
       + pg_temp.draw(fulfilment_id, 41, 3)::int as events
from planned_lines where status in ('SHIPPED', 'DELIVERED');
analyze planned_shipments;

insert into shipments (id, order_id, customer_id, fulfilment_id, carrier_id, tracking_number, tracking_token, status,
                       origin_location_id, destination_recipient, destination_city, destination_country_code,
                       dispatched_at, estimated_delivery_at, last_event_at, delivered_at, created_at)
overriding system value
select shipment.id, shipment.order_id, fulfilment.customer_id, shipment.id, 1 + pg_temp.draw(shipment.id, 42, carriers),
       'TN' || lpad(shipment.id::text, 10, '0'), md5('bench' || shipment.id),
       case when shipment.status = 'DELIVERED' then 'DELIVERED' else 'IN_TRANSIT' end, fulfilment.location_id,
       'Customer ' || fulfilment.customer_id, 'City ' || pg_temp.draw(fulfilment.customer_id, 12, 400), 'BR',
       placed_at + interval '1 day', placed_at + interval '9 days', placed_at + interval '6 days',
       case when shipment.status = 'DELIVERED' then placed_at + interval '6 days' end, placed_at
from sizes, planned_shipments shipment join fulfilments fulfilment on fulfilment.id = shipment.id;

insert into parcels (id, fulfilment_id, shipment_id, weight_grams, packed_at, shipped_at) overriding system value
select id, id, id, 300 + pg_temp.draw(id, 43, 9000)::int, placed_at + interval '13 hours', placed_at + interval '1 day'
from planned_shipments;

insert into parcel_lines (parcel_id, fulfilment_line_id, product_id, quantity)
select fulfilment_id, id, product_id, quantity from planned_lines where status in ('SHIPPED', 'DELIVERED');

insert into tracking_events (shipment_id, status, description, occurred_at, place, source_reference)
select id,
       case when step = 1 then 'INFO_RECEIVED' when step = 2 then 'PICKED_UP'
            when status = 'DELIVERED' and step = events then 'DELIVERED'
            when status = 'DELIVERED' and step = events - 1 then 'OUT_FOR_DELIVERY' else 'IN_TRANSIT' end,
       'Step ' || step || ' of the journey.', placed_at + interval '1 day' + (step - 1) * interval '5 days' / events,
       'Depot ' || pg_temp.draw(id + step, 44, 90), id || '-' || step
from planned_shipments, generate_series(1, events) step;

insert into returns (id, order_id, customer_id, status, reason, location_id, approved_at, received_at, disposed_at,
                     closed_at, created_at) overriding system value
select id, id, customer_id, 'REFUNDED', 'CHANGED_MIND', 1, placed_at + interval '10 days',
       placed_at + interval '15 days', placed_at + interval '16 days', placed_at + interval '17 days',
       placed_at + interval '9 days'
from planned_orders where returned;

insert into return_lines (return_id, order_line_id, product_id, quantity, quantity_received, condition, disposition)
select order_id, id, product_id, quantity, quantity, 'NEW', 'RESTOCK' from planned_lines where returned;

insert into refunds (return_id, order_id, amount, currency, method, recorded_at)
select order_id, order_id, price * quantity, 'BRL', 'ORIGINAL_PAYMENT', placed_at + interval '17 days' from planned_lines where returned;
