"""From declarations to the graph: the inputs, payloads and errors of mutations, and the payloads of subscriptions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import strawberry

from app.kernel.choice import Choice, is_choice
from app.kernel.outbox import Event
from app.kernel.principal import EVERYONE, Role
from app.kernel.refusal import ALWAYS, Refusal
from schema.answers import DECLARED, Command, Follow, Only
from schema.names import camel, pascal, snake
from schema.types import Types, UserError, is_optional, listed, optional, without_none

KEY_DOC = "A name of your own for this request: sent twice under the same key, it is done once."
DRY_RUN_DOC = "Do everything and show what it would come to, then undo it all."

ACTOR, ACTOR_ID = "actor", "actorId"
"""The fields of an event that tell who did it, of which the second is an argument too: that is ours alone to know."""
BY_WHOM = "Only what this user did, or whoever has this API key; staff alone may ask."

KINDS = "kinds"
"""The argument of a subscription that leaves only some of the events it follows."""


@dataclass(frozen=True, eq=False)
class Mutation:
    """One mutation as resolvers see it: its command, the request it takes, and the types its payload is made of."""

    name: str
    command: Command
    request: type
    node: str | None
    shown: str | None
    extras: tuple[str, ...]
    payload: str
    error: str
    refusals: tuple[type[Refusal], ...]


@dataclass(frozen=True, eq=False)
class Filter:
    """One argument that a subscription is filtered by, and the fact of events that it is compared with."""

    argument: str
    fact: str
    kind: Any
    """The Python type of a value; of an enum, several may be given, of which events must tell one."""
    of_several: bool
    """Whether events tell several values as this fact, of which one must be the wanted one."""
    is_key: bool
    """Whether the fact is among the keys of every event followed."""


@dataclass(frozen=True, eq=False)
class Subscription:
    """One subscription as resolvers see it: what it follows, the node it shows and under which name."""

    name: str
    follow: Follow
    node: str
    shown: str
    payload: str
    facts: tuple[str, ...]
    filters: tuple[Filter, ...]
    kinds: Mapping[str, str]
    """The kind of each event by the event's name, as `KINDS` names them; none where it follows but one event."""

    def may(self, roles: frozenset[Role], fact: str) -> bool:
        """Whether callers with `roles` may read a fact of the events and filter by it."""
        return bool(roles & self.follow.roles.get(fact, EVERYONE))


def node_name(shows: type | str | None) -> str | None:
    """The name of the node that a declaration shows."""
    return shows if shows is None or isinstance(shows, str) else shows.__name__


def id_target(kind: Any) -> str | None:
    """The node whose ids `kind` holds: `ProductId` → `Product`."""
    name = getattr(kind, "__name__", "")
    return name[: -len("Id")] if hasattr(kind, "__supertype__") and name.endswith("Id") else None


def add_mutation(types: Types, root: Any, name: str, declared: Command) -> Mutation:
    """Add one mutation to the root: input, payload, error type and error codes, all from the command."""
    command = declared.function
    parameters = list(inspect.signature(command).parameters.values())
    request = _named(command, parameters[1].annotation)
    node = node_name(declared.returns)
    if node is not None and node not in DECLARED:
        raise TypeError(f"{name}: {node} is no node of the graph")
    extras = _extras(command)
    refusals = (*ALWAYS, *command.refusals)  # type: ignore[attr-defined]
    mutation = Mutation(
        name=camel(name),
        command=declared,
        request=request,
        node=node,
        shown=camel(snake(node)) if node else None,
        extras=tuple(extras),
        payload=f"{pascal(name)}Payload",
        error=f"{pascal(name)}Error",
        refusals=refusals,
    )
    arguments = {"input": (_request_input(types, name, declared, request), "What to do.")}
    payload = _payload(types, mutation, extras)
    types.add(root, mutation.name, payload, inspect.getdoc(command) or "", arguments=arguments)
    return mutation


def _named(command: Any, annotation: Any) -> Any:
    """The class that an annotation of `command` names."""
    if not isinstance(annotation, str):
        return annotation
    found = command.__globals__.get(annotation)
    if found is None:
        raise TypeError(f"{command.__module__}.{command.__name__}: {annotation} must be importable in its module")
    return found


def _extras(command: Any) -> dict[str, Any]:
    """What a payload tells besides its node: the fields of the command's result that are not its id."""
    result = command.__globals__.get(str(command.__annotations__.get("return")))
    if not is_dataclass(result):
        return {}
    return {name: hint for name, hint in get_type_hints(result, include_extras=True).items() if name != "id"}


def _request_input(types: Types, name: str, declared: Command, request: type) -> Any:
    """The input type of a mutation: the request's fields, the idempotency key and the dry run."""
    made = types.input(f"{pascal(name)}Input", inspect.getdoc(request) or "")
    _fill_input(types, made, request)
    if declared.keyed:
        types.add(made, "idempotencyKey", str if declared.moves else str | None, KEY_DOC)
    if declared.moves:
        types.add_with_default(made, "dryRun", bool, DRY_RUN_DOC, default=False)
    return made


def _fill_input(types: Types, made: Any, request: type) -> None:
    """Give an input type the fields of a frozen request."""
    hints = get_type_hints(request, include_extras=True)
    for field in fields(request):
        hint = hints[field.name]
        if get_origin(hint) is not Annotated:
            raise TypeError(f"{request.__module__}.{request.__name__}.{field.name} needs Annotated[…, description]")
        said = next((part for part in hint.__metadata__ if isinstance(part, str)), "")
        shape = input_shape(types, get_args(hint)[0])
        has_default = field.default is not MISSING or field.default_factory is not MISSING
        if has_default and field.default not in (None, MISSING) and not isinstance(field.default, Choice | tuple):
            types.add_with_default(made, camel(field.name), shape, said, default=field.default)
        else:
            types.add(made, camel(field.name), optional(shape) if has_default else shape, said)


def input_shape(types: Types, kind: Any) -> Any:
    """The GraphQL input type of a Python annotation: ids, lists, choices, nested requests and plain values."""
    if is_optional(kind):
        return optional(input_shape(types, without_none(kind)))
    if get_origin(kind) in (tuple, list, frozenset):
        return listed(input_shape(types, get_args(kind)[0]))
    if id_target(kind):
        return strawberry.ID
    if is_choice(kind):
        return types.choice(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        doc = inspect.getdoc(kind) or ""
        return types.input_once(f"{kind.__name__}Input", doc, lambda made: _fill_input(types, made, kind))
    return kind


def _payload(types: Types, mutation: Mutation, extras: dict[str, Any]) -> Any:
    """The payload type of a mutation: what it shows, or why it was refused."""
    made = types.object(mutation.payload, f"What came of `{mutation.name}`.")
    if mutation.node and mutation.shown:
        doc = f"The {mutation.node} as it is now; null where the request was refused."
        types.add(made, mutation.shown, optional(types.by_name[mutation.node]), doc)
    for name, hint in extras.items():
        doc = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, str)), "")
        plain = get_args(hint)[0] if doc else hint
        types.add(made, camel(name), optional(input_shape(types, plain)), doc)
    error = _error(types, mutation)
    types.add(made, "userErrors", listed(error), "Why it was refused; empty where it was done.")
    return made


def _error(types: Types, mutation: Mutation) -> Any:
    """The error type of a mutation, with its own closed set of codes and typed details."""
    codes = {refusal.code(): inspect.getdoc(refusal) or "" for refusal in mutation.refusals}
    options = types.enum(f"{mutation.error}Code", f"The reasons for which `{mutation.name}` may be refused.", codes)
    made = types.object(mutation.error, f"Why `{mutation.name}` was refused.", UserError)
    types.add(made, "code", options, "The reason, for a program to act on.")
    details = {name: hint for refusal in mutation.refusals for name, hint in _details(refusal).items()}
    for name, hint in details.items():
        doc = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, str)), "")
        plain = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        types.add(made, camel(name), optional(input_shape(types, plain)), doc or f"The {name} that the code speaks of.")
    return made


def _details(refusal: type[Refusal]) -> dict[str, Any]:
    """The typed details of a refusal: what it annotates as `available: Annotated[int, "…"]`."""
    own = [kind for kind in refusal.__mro__ if issubclass(kind, Refusal) and kind is not Refusal]
    hints = {name: hint for kind in own for name, hint in inspect.get_annotations(kind, eval_str=True).items()}
    return {name: hint for name, hint in hints.items() if name != "aftermath"}


def add_subscription(types: Types, root: Any, name: str, declared: Follow) -> Subscription:
    """Add one subscription to the root: its payload and the arguments it filters by."""
    node = node_name(declared.shows)
    if node not in DECLARED or node is None:
        raise TypeError(f"{name}: {node} is no node of the graph")
    hints = get_type_hints(declared.events[0], include_extras=True)
    facts = {fact: hints[fact] for fact in declared.tells}
    shown = camel(snake(node))
    subscription = Subscription(
        name=camel(name),
        follow=declared,
        node=node,
        shown=shown,
        payload=f"{pascal(name)}Event",
        facts=declared.tells,
        filters=tuple(_filter(declared, each) for each in declared.by),
        kinds={event.name: kind_of(event) for event in declared.events} if len(declared.events) > 1 else {},
    )
    payload = _event_payload(types, subscription, facts)
    types.add(root, subscription.name, payload, declared.doc, arguments=_follow_arguments(types, subscription))
    return subscription


def _event_payload(types: Types, subscription: Subscription, facts: dict[str, Any]) -> Any:
    """What a follower receives for each event."""
    made = types.object(subscription.payload, f"One event of `{subscription.name}`.")
    add_event_fields(types, made)
    if subscription.kinds:
        types.add(made, "kind", _kinds(types, subscription), "What kind of event it is, for a program to act on.")
    for name in subscription.facts:
        hint = facts[name]
        doc = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, str)), "")
        plain = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        said = doc or f"{name.replace('_', ' ').capitalize()} at that moment."
        types.add(made, camel(name), optional(input_shape(types, plain)), said)
    types.add(
        made, subscription.shown, optional(types.by_name[subscription.node]), f"The {subscription.node} as it is now."
    )
    return made


def add_event_fields(types: Types, made: Any) -> None:
    """What every event tells, whatever it is about."""
    types.add(made, "cursor", str, "Where this event stands in the log: send it as `after` to go on from here.")
    types.add(made, "occurredAt", datetime, "When it happened.")
    types.add(made, ACTOR, str, "Who did it, by name; staff alone may ask.")
    said = "Who did it, by the id of a user or an API key; null where nobody had signed in. Staff alone may ask."
    types.add(made, ACTOR_ID, optional(strawberry.ID), said)
    types.add(made, "event", str, "What kind of event it is, such as `orders.order_placed`.")


def kind_of(event: type[Event]) -> str:
    """The kind of an event in the graph: `OrderPlaced` → `ORDER_PLACED`."""
    return snake(event.__name__).upper()


def _kinds(types: Types, subscription: Subscription) -> Any:
    """The enum of what a subscription follows."""
    told = {kind_of(event): inspect.getdoc(event) or "" for event in subscription.follow.events}
    name = f"{subscription.payload.removesuffix('Event')}Kind"
    return types.enum(name, f"The kinds of event that `{subscription.name}` tells.", told)


def _filter(declared: Follow, only: Only) -> Filter:
    """What a filter of a subscription is compared with."""
    hint = without_none(get_type_hints(declared.events[0])[only.fact])
    of_several = get_origin(hint) is tuple
    return Filter(
        argument=camel(only.argument),
        fact=only.fact,
        kind=get_args(hint)[0] if of_several else hint,
        of_several=of_several,
        is_key=all(only.fact in event.keys for event in declared.events),
    )


def _follow_arguments(types: Types, subscription: Subscription) -> dict[str, tuple[Any, str]]:
    """The arguments of a subscription: where to go on from, and what to filter by."""
    arguments: dict[str, tuple[Any, str]] = {
        "after": (str | None, "Go on after this cursor, from an event or from `eventCursor`; else from now.")
    }
    if subscription.kinds:
        kinds = optional(listed(_kinds(types, subscription)))
        arguments[KINDS] = (kinds, "Only events of these kinds; all kinds where it is left out.")
    if token := subscription.follow.token:
        arguments[camel(token.column)] = (str | None, token.doc)
    for only, found in zip(subscription.follow.by, subscription.filters, strict=True):
        kind = list[found.kind] if is_choice(found.kind) else found.kind  # type: ignore[name-defined]
        shape = strawberry.ID if only.argument.endswith("_id") else input_shape(types, kind)
        arguments[found.argument] = (optional(shape), only.doc)
    arguments[ACTOR_ID] = (optional(strawberry.ID), BY_WHOM)
    return arguments
