"""A small order set in Olist's form, made up by hand: a bit of everything that the real one has, and some rot."""

from __future__ import annotations

import gzip
from pathlib import Path

ORDERS = """\
order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,\
order_delivered_customer_date,order_estimated_delivery_date
late,c1,delivered,2017-05-02 10:00:00,2017-05-02 10:05:00,2017-05-03 09:00:00,2017-05-20 18:00:00,2017-05-15 00:00:00
split,c2,delivered,2017-06-01 12:00:00,2017-06-01 12:01:00,2017-06-02 09:00:00,2017-06-05 11:00:00,2017-06-20 00:00:00
midnight,c3,delivered,2017-10-31 23:30:00,,2017-11-03 08:00:00,2017-11-06 10:00:00,2017-11-20 00:00:00
working,c4,processing,2018-01-10 09:00:00,2018-01-10 09:30:00,,,2018-02-01 00:00:00
stopped,c5,canceled,2018-01-11 09:00:00,2018-01-11 09:30:00,2018-01-12 07:00:00,,2018-02-01 00:00:00
called-off,c6,canceled,2018-01-12 09:00:00,2018-01-12 09:30:00,,,2018-02-01 00:00:00
nothing,c7,unavailable,2018-01-13 09:00:00,2018-01-13 09:30:00,,,2018-02-01 00:00:00
bare,c8,invoiced,2018-01-14 09:00:00,2018-01-14 09:30:00,,,2018-02-01 00:00:00
new,c9,created,2018-01-15 09:00:00,,,,2018-02-01 00:00:00
"""
ROTTEN_ORDERS = """\
late,c1,delivered,2017-05-02 10:00:00,,,,2017-05-15 00:00:00
odd,c1,lost,2018-01-16 09:00:00,,,,2018-02-01 00:00:00
timeless,c1,created,yesterday,,,,2018-02-01 00:00:00
stranger,nobody,created,2018-01-16 09:00:00,,,,2018-02-01 00:00:00
priceless,c1,created,2018-01-16 09:00:00,,,,2018-02-01 00:00:00
unlisted,c1,created,2018-01-16 09:00:00,,,,2018-02-01 00:00:00
"""
ITEMS = """\
order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
late,1,vase,ana,2017-05-05 00:00:00,48.90,10.10
late,2,vase,ana,2017-05-05 00:00:00,48.90,10.10
split,1,vase,ana,2017-06-05 00:00:00,50.00,9.00
split,2,drill,bruno,2017-06-05 00:00:00,199.99,20.01
midnight,1,drill,bruno,2017-11-05 00:00:00,189.99,20.00
working,1,vase,ana,2018-01-15 00:00:00,52.00,9.00
stopped,1,mug,carla,2018-01-15 00:00:00,12.00,7.00
called-off,1,mug,carla,2018-01-15 00:00:00,12.00,7.00
new,1,mug,carla,2018-01-20 00:00:00,13.00,7.00
"""
ROTTEN_ITEMS = """\
priceless,1,mug,carla,2018-01-20 00:00:00,12.00,7.00
priceless,2,mug,carla,2018-01-20 00:00:00,free,7.00
unlisted,1,ghost,carla,2018-01-20 00:00:00,12.00,7.00
orphan,1,mug,carla,2018-01-20 00:00:00,12.00,7.00
"""
CUSTOMERS = """\
customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state
c1,maria,1310,sao paulo,SP
c2,maria,20040,rio de janeiro,RJ
c3,joao,62016,sobral,CE
c4,p4,62016,sobral,CE
c5,p5,62016,sobral,CE
c6,p6,62016,sobral,CE
c7,p7,62016,sobral,CE
c8,p8,62016,sobral,CE
c9,p9,62016,a village without coordinates,CE
"""
PRODUCTS = """\
product_id,product_category_name,product_name_lenght,product_description_lenght,product_photos_qty,product_weight_g,\
product_length_cm,product_height_cm,product_width_cm
vase,moveis_decoracao,40,100,1,400.0,27.0,13.0,17.0
drill,ferramentas,40,100,1,0,30.5,20.0,10.0
mug,,40,100,1,,,,
"""
PAYMENTS = """\
order_id,payment_sequential,payment_type,payment_installments,payment_value
late,1,credit_card,8,118.00
split,1,boleto,1,279.00
midnight,1,voucher,1,209.99
working,1,credit_card,1,61.00
stopped,1,credit_card,1,19.00
called-off,1,credit_card,1,19.00
bare,1,credit_card,1,19.00
"""
CITIES = """\
customer_city,customer_state,n_customers,geonameid,latitude,longitude
sao paulo,SP,1,3448439,-23.5475,-46.63611
rio de janeiro,RJ,1,3451190,-22.90642,-43.18223
sobral,CE,1,3387296,-3.68611,-40.34972
"""
SELLERS = """\
seller_id,seller_zip_code_prefix,seller_city,seller_state
ana,13023,sao paulo,SP
"""
CATEGORIES = """\
product_category_name,product_category_name_english
moveis_decoracao,furniture_decor
"""


def write(folder: Path, *, rotten: bool = False) -> Path:
    """Write the set into `folder`, with rows that must be refused where it is `rotten`."""
    files = {
        "orders": ORDERS + (ROTTEN_ORDERS if rotten else ""),
        "order_items": ITEMS + (ROTTEN_ITEMS if rotten else ""),
        "customers": CUSTOMERS,
        "products": PRODUCTS,
        "order_payments": PAYMENTS,
    }
    plain = {"city_coords_derived": CITIES, "sellers_partial": SELLERS, "category_translation": CATEGORIES}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    for name, text in plain.items():
        (folder / f"{name}.csv").write_text(text)
    return folder
