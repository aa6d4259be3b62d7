"""What is done in the catalogue: products are added, corrected, published, archived and priced."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog import events, rules
from app.catalog.measures import product_visibility
from app.catalog.tables import Channel, ChannelId, Price, Product, ProductId, ProductStatus, SupplierId
from app.kernel.changes import changed, expect_version
from app.kernel.conflicts import flush_or_refuse
from app.kernel.limits import CODE, NAME, TEXT, Between, Length
from app.kernel.locks import lock_one
from app.kernel.money import STORED_PLACES, CurrencyCode
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal
from app.kernel.refusal import InvalidInput, Refusal, VersionConflict, allows, refuses

GRAMS = Between(1, 100_000_000)
MILLIMETRES = Between(1, 100_000)
UNIT_PRICE = Between(0, 1_000_000_000)


class UnknownProduct(Refusal):
    """There is no such product, or you may not see it."""


class UnknownChannel(Refusal):
    """There is no such channel."""


class UnknownSupplier(Refusal):
    """There is no such supplier, or you may not see it."""


class SkuTaken(Refusal):
    """Another product has this SKU; an SKU is never used twice."""


class GtinTaken(Refusal):
    """Another product has this GTIN."""


class InvalidGtin(Refusal):
    """This is no GTIN: it has 8, 12, 13 or 14 digits, and the last one checks the others."""


class ChannelCodeTaken(Refusal):
    """Another channel has this code."""


class ActionNotAllowed(Refusal):
    """The product's state does not allow this; `allowedActions` tells what it allows."""


@dataclass(frozen=True, kw_only=True)
class CreateProduct:
    """A new product."""

    sku: Annotated[str, "The stock keeping unit: our name for it, never reused.", CODE]
    name: Annotated[str, "What people call it.", NAME]
    description: Annotated[str | None, "What it is, in whole sentences.", TEXT] = None
    gtin: Annotated[str | None, "The number in its barcode (GS1 GTIN).", Length(8, 14)] = None
    category: Annotated[str | None, "The kind of product, as the shop groups it.", NAME] = None
    weight_grams: Annotated[int | None, "Weight of one piece as it is shipped, in grams.", GRAMS] = None
    length_mm: Annotated[int | None, "Length of one piece as it is shipped, in millimetres.", MILLIMETRES] = None
    width_mm: Annotated[int | None, "Width of one piece as it is shipped, in millimetres.", MILLIMETRES] = None
    height_mm: Annotated[int | None, "Height of one piece as it is shipped, in millimetres.", MILLIMETRES] = None
    supplier_id: Annotated[SupplierId | None, "Who supplies it."] = None
    publish: Annotated[bool, "Whether to offer it at once."] = False


@dataclass(frozen=True, kw_only=True)
class UpdateProduct:
    """What to correct about a product; what is absent or null stays as it is."""

    product_id: Annotated[ProductId, "The product to correct."]
    expected_version: Annotated[int | None, "The version that you read; another one is refused."] = None
    name: Annotated[str | None, "What people call it.", NAME] = None
    description: Annotated[str | None, "What it is, in whole sentences.", TEXT] = None
    gtin: Annotated[str | None, "The number in its barcode (GS1 GTIN).", Length(8, 14)] = None
    category: Annotated[str | None, "The kind of product, as the shop groups it.", NAME] = None
    weight_grams: Annotated[int | None, "Weight of one piece as it is shipped, in grams.", GRAMS] = None
    length_mm: Annotated[int | None, "Length of one piece as it is shipped, in millimetres.", MILLIMETRES] = None
    width_mm: Annotated[int | None, "Width of one piece as it is shipped, in millimetres.", MILLIMETRES] = None
    height_mm: Annotated[int | None, "Height of one piece as it is shipped, in millimetres.", MILLIMETRES] = None
    supplier_id: Annotated[SupplierId | None, "Who supplies it."] = None


@dataclass(frozen=True, kw_only=True)
class PublishProduct:
    """Which product to offer."""

    product_id: Annotated[ProductId, "The product to offer."]
    expected_version: Annotated[int | None, "The version that you read; another one is refused."] = None


@dataclass(frozen=True, kw_only=True)
class ArchiveProduct:
    """Which product to stop offering."""

    product_id: Annotated[ProductId, "The product to stop offering."]
    expected_version: Annotated[int | None, "The version that you read; another one is refused."] = None


@dataclass(frozen=True, kw_only=True)
class CreateChannel:
    """A new way of selling."""

    code: Annotated[str, "Its short name, never reused.", CODE]
    name: Annotated[str, "What people call it.", NAME]
    currency: Annotated[CurrencyCode, "The currency it sells in unless another is asked for."]
    sells: Annotated[bool, "Whether it takes orders now."] = True


@dataclass(frozen=True, kw_only=True)
class SetProductPrice:
    """What one piece of a product costs in a channel."""

    product_id: Annotated[ProductId, "The product to price."]
    channel_id: Annotated[ChannelId, "Where it is sold at this price."]
    amount: Annotated[Decimal, "The price of one piece, with at most four digits after the point.", UNIT_PRICE]
    currency: Annotated[CurrencyCode | None, "The currency of the amount; without it, the channel's own."] = None
    tax_included: Annotated[bool, "Whether the amount already contains the sales tax."] = False


@allows(STAFF)
@refuses(SkuTaken, GtinTaken, InvalidGtin, UnknownSupplier)
async def create_product(session: AsyncSession, product: CreateProduct, *, by: Principal) -> ProductId:
    """Add a product to the catalogue."""
    row = Product(
        sku=product.sku,
        status=ProductStatus.PUBLISHED if product.publish else ProductStatus.DRAFT,
        **_described(product),
    )
    session.add(row)
    await flush_or_refuse(session, _conflicts())
    record(
        session,
        events.ProductCreated(product_id=row.id, supplier_id=row.supplier_id, sku=row.sku, status=row.status),
        by=by,
    )
    return ProductId(row.id)


@allows(STAFF)
@refuses(UnknownProduct, GtinTaken, InvalidGtin, UnknownSupplier, VersionConflict)
async def update_product(session: AsyncSession, change: UpdateProduct, *, by: Principal) -> ProductId:
    """Correct what is said about a product."""
    row = await _locked_product(session, change, by=by)
    supplier_before = row.supplier_id
    names = changed(row, _described(change))
    if names:
        await flush_or_refuse(session, _conflicts())
        event = events.ProductUpdated(
            product_id=row.id, supplier_id=row.supplier_id, supplier_id_before=supplier_before, changed=names
        )
        record(session, event, by=by)
    return ProductId(row.id)


@allows(STAFF)
@refuses(UnknownProduct, ActionNotAllowed, VersionConflict)
async def publish_product(session: AsyncSession, publication: PublishProduct, *, by: Principal) -> ProductId:
    """Offer a product to everyone."""
    row = await _locked_product(session, publication, by=by)
    before = _moved(row, rules.ProductAction.PUBLISH, ProductStatus.PUBLISHED)
    event = events.ProductPublished(product_id=row.id, supplier_id=row.supplier_id, status_before=before)
    record(session, event, by=by)
    return ProductId(row.id)


@allows(STAFF)
@refuses(UnknownProduct, ActionNotAllowed, VersionConflict)
async def archive_product(session: AsyncSession, archiving: ArchiveProduct, *, by: Principal) -> ProductId:
    """Stop offering a product; it is kept, for orders name it."""
    row = await _locked_product(session, archiving, by=by)
    before = _moved(row, rules.ProductAction.ARCHIVE, ProductStatus.ARCHIVED)
    event = events.ProductArchived(product_id=row.id, supplier_id=row.supplier_id, status_before=before)
    record(session, event, by=by)
    return ProductId(row.id)


@allows(STAFF)
@refuses(ChannelCodeTaken)
async def create_channel(session: AsyncSession, channel: CreateChannel, *, by: Principal) -> ChannelId:
    """Add a way of selling."""
    row = Channel(code=channel.code, name=channel.name, currency=channel.currency, sells=channel.sells)
    session.add(row)
    await flush_or_refuse(session, {"uq_channels_code": ChannelCodeTaken(field="code")})
    record(session, events.ChannelCreated(channel_id=row.id, code=row.code), by=by)
    return ChannelId(row.id)


@allows(STAFF)
@refuses(UnknownProduct, UnknownChannel)
async def set_product_price(session: AsyncSession, pricing: SetProductPrice, *, by: Principal) -> ProductId:
    """Set what a product costs in a channel, in one currency: its first price or another."""
    if not rules.is_payable(pricing.amount):
        raise InvalidInput("A price has at most four digits after the point.", field="amount")
    product = await lock_one(session, Product, pricing.product_id, by=by, visibility=product_visibility)
    if product is None:
        raise UnknownProduct(field="product_id")
    channel = await session.get(Channel, pricing.channel_id)
    if channel is None:
        raise UnknownChannel(field="channel_id")
    await _price(session, pricing, pricing.currency or CurrencyCode(channel.currency), by=by)
    return ProductId(product.id)


async def _price(session: AsyncSession, pricing: SetProductPrice, currency: CurrencyCode, *, by: Principal) -> None:
    """Change or add the one price; the product is locked, so nobody else adds it meanwhile."""
    key: dict[str, Any] = {
        "product_id": pricing.product_id,
        "channel_id": pricing.channel_id,
        "currency": currency,
    }
    price = await session.scalar(select(Price).filter_by(**key))
    before = price.amount if price else None
    if price is None:
        price = Price(**key)
        session.add(price)
    given = {"amount": pricing.amount.quantize(STORED_PLACES), "tax_included": pricing.tax_included}
    if not changed(price, given):
        return
    await session.flush()
    event = events.ProductPriceSet(
        price_id=price.id, amount_before=before, amount=price.amount, tax_included=price.tax_included, **key
    )
    record(session, event, by=by)


async def _locked_product(
    session: AsyncSession, change: UpdateProduct | PublishProduct | ArchiveProduct, *, by: Principal
) -> Product:
    """The product to change, locked, in the version that the caller read."""
    row = await lock_one(session, Product, change.product_id, by=by, visibility=product_visibility)
    if row is None:
        raise UnknownProduct(field="product_id")
    expect_version(row, change.expected_version)
    return row


def _moved(product: Product, action: rules.ProductAction, status: ProductStatus) -> ProductStatus:
    """Move `product` to `status` by `action`, or refuse; answers the state before."""
    before = product.status
    if action not in rules.ALLOWED[before]:
        raise ActionNotAllowed(f"The product is {before}, which does not allow {action}.", field="product_id")
    product.status = status
    return before


def _described(product: CreateProduct | UpdateProduct) -> dict[str, object]:
    """What is said about a product, by its columns; refuses a GTIN that is none."""
    if product.gtin is not None and not rules.is_gtin(product.gtin):
        raise InvalidGtin(field="gtin")
    return {
        "name": product.name,
        "description": product.description,
        "gtin": product.gtin and rules.shortest_gtin(product.gtin),
        "category": product.category,
        "weight_grams": product.weight_grams,
        "length_mm": product.length_mm,
        "width_mm": product.width_mm,
        "height_mm": product.height_mm,
        "supplier_id": product.supplier_id,
    }


def _conflicts() -> dict[str, Refusal]:
    """What the table's own constraints mean."""
    return {
        "uq_products_sku": SkuTaken(field="sku"),
        "uq_products_gtin": GtinTaken(field="gtin"),
        "fk_products_supplier_id": UnknownSupplier(field="supplier_id"),
    }
