"""The trunks: whom they may call; whether each is there, answers, speaks G.711 and says where sound is to be sent."""

from __future__ import annotations

import asyncio
import difflib
import ipaddress
import re
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Final

from app.asterisk.ari.errors import AriError, AriNotFound
from app.asterisk.ari.operations import Resources
from app.doctor.finding import Finding, Step, bad, good, skipped, unknown
from app.doctor.subject import Subject
from app.model import Trunk

PJSIP_RELOAD: Final = "module reload res_pjsip.so"
SPOKEN: Final = frozenset({"alaw", "ulaw"})
Options = dict[str, str]


def prefixes(trunks: Sequence[Trunk]) -> Finding:
    """Whether anybody may be called at all."""
    enabled = [trunk for trunk in trunks if trunk.is_enabled]
    if not enabled:
        return unknown(
            Step.PREFIXES,
            "No trunk is set up in Outring yet (or all are switched off): nobody can be called.",
            mend="Add one of Asterisk's endpoints, with the beginnings of the numbers it may call: outring trunk set "
            "ENDPOINT --prefix +44",
        )
    if all(not trunk.prefixes for trunk in enabled):
        return bad(
            Step.PREFIXES,
            "No trunk may call any number: their prefixes are empty, so that nothing is called by mistake.",
            mend="Say the beginnings of the numbers each may call, with their plus (a single + allows all the world): "
            f"outring trunk set {enabled[0].id} --prefix +44",
            place=", ".join(f"trunk {trunk.id}, prefixes" for trunk in enabled),
        )
    allowed = sorted({prefix for trunk in enabled for prefix in trunk.prefixes})
    if "+" in allowed:
        return good(
            Step.PREFIXES, "Numbers all over the world may be called: is that meant? See docs/admin.md, toll fraud."
        )
    return good(Step.PREFIXES, f"Numbers that begin with {', '.join(allowed)} may be called, and no others.")


async def endpoints(ari: Resources) -> list[str]:
    """The PJSIP endpoints there are, sorted; none where they cannot be listed."""
    try:
        return sorted(endpoint.resource for endpoint in await ari.endpoints.listByTech(tech="PJSIP"))
    except AriError:
        return []


def to_choose_from(names: Sequence[str]) -> Finding:
    """No trunk is set up in Outring: what there is."""
    if names:
        return unknown(
            Step.TRUNK, f"Asterisk has these endpoints, one of which may be your trunk: {', '.join(names[:20])}."
        )
    return bad(
        Step.TRUNK,
        "Asterisk has no PJSIP endpoint: there is nothing to call with.",
        mend="Set your provider up in pjsip.conf (asterisk/conf/pjsip.conf has an example), then run: asterisk -rx "
        f"'{PJSIP_RELOAD}'",
    )


async def trunk(subject: Subject, ari: Resources, examined: Trunk, names: Sequence[str]) -> AsyncIterator[Finding]:
    """All about one trunk."""
    endpoint = examined.endpoint
    try:
        state = (await ari.endpoints.get(tech="PJSIP", resource=endpoint)).state or "unknown"
    except AriNotFound:
        yield _no_such(subject, examined, names)
        for step in (Step.TRUNK_ANSWERS, Step.CODECS, Step.NAT):
            yield skipped(step, f"Asterisk has no endpoint {endpoint!r}")
        return
    except AriError as error:
        yield unknown(Step.TRUNK, f"Trunk {examined.id}: whether Asterisk has its endpoint is not known: {error}.")
        return
    yield good(Step.TRUNK, f"Trunk {examined.id}: Asterisk has the endpoint {endpoint!r}.")
    options = await object_options(ari, "endpoint", endpoint)
    aor = await object_options(ari, "aor", options.get("aors", endpoint).split(",")[0])
    transport = await object_options(ari, "transport", name) if (name := options.get("transport", "")) else {}
    yield far_end(subject, examined, state, aor)
    yield codecs(subject, examined, options.get("allow"))
    yield await nat(subject, examined, aor.get("contact", ""), transport)


def _no_such(subject: Subject, examined: Trunk, names: Sequence[str]) -> Finding:
    near = difflib.get_close_matches(examined.endpoint, names, n=1)
    there = f"Did you mean {near[0]!r}? " if near else f"There are: {', '.join(names[:20]) or 'none'}. "
    return bad(
        Step.TRUNK,
        f"Trunk {examined.id}: Asterisk has no PJSIP endpoint {examined.endpoint!r}. {there}".strip(),
        mend=f"Change the trunk's endpoint in Outring, or write a section [{examined.endpoint}] with `type = "
        f"endpoint`, then {subject.conf.reload(PJSIP_RELOAD)}. `asterisk -rx 'pjsip show endpoints'` lists them.",
        place=subject.conf.place("pjsip.conf", examined.endpoint),
    )


def far_end(subject: Subject, examined: Trunk, state: str, aor: Options) -> Finding:
    """Whether the provider answers, as far as Asterisk asks."""
    endpoint = examined.endpoint
    is_asked = aor.get("qualify_frequency", "0") not in ("", "0")
    if state == "offline":
        contact = aor.get("contact") or "no address is set, and nobody has registered"
        return bad(
            Step.TRUNK_ANSWERS,
            f"Trunk {examined.id}: the far end does not answer ({contact}). Calls on it are refused at once.",
            mend="Is the address right, is the provider up, does the firewall let SIP (UDP 5060) through? Ask again: "
            f"asterisk -rx 'pjsip qualify {endpoint}', then: asterisk -rx 'pjsip show contacts'. A provider that never "
            "answers OPTIONS needs `qualify_frequency = 0`.",
            place=subject.conf.place("pjsip.conf", endpoint, "contact"),
        )
    if state == "online" and is_asked:
        return good(Step.TRUNK_ANSWERS, f"Trunk {examined.id}: the far end answers.")
    return unknown(
        Step.TRUNK_ANSWERS,
        f"Trunk {examined.id}: whether the far end answers is not known: "
        + ("it has not been asked yet." if is_asked else "Asterisk does not ask it (qualify_frequency is 0)."),
        mend=f"In the aor's section write `qualify_frequency = 30`, then {subject.conf.reload(PJSIP_RELOAD)}. Without "
        "it a dead trunk is only noticed by calls that fail after half a minute.",
        place=subject.conf.place("pjsip.conf", endpoint, "qualify_frequency"),
    )


def codecs(subject: Subject, examined: Trunk, allow: str | None) -> Finding:
    """Whether the trunk speaks G.711. allow: as Asterisk tells it, "(alaw|ulaw)"; None: it does not tell."""
    if allow is None:
        return unknown(Step.CODECS, f"Trunk {examined.id}: its sound formats cannot be asked.")
    spoken = set(re.findall(r"[A-Za-z0-9]+", allow))
    if spoken & SPOKEN:
        return good(Step.CODECS, f"Trunk {examined.id}: speaks {', '.join(sorted(spoken & SPOKEN))}.")
    what = f"speaks only {', '.join(sorted(spoken))}" if spoken else "allows no sound format at all"
    line = (
        "on the tab Codecs tick ulaw and alaw" if subject.conf.is_freepbx
        else f"in [{examined.endpoint}] write `disallow = all` and `allow = alaw,ulaw`"
    )  # fmt: skip
    return bad(
        Step.CODECS,
        f"Trunk {examined.id}: {what}, not G.711 (alaw, ulaw): calls are refused (488), or no prompt is heard.",
        mend=f"{line[0].upper()}{line[1:]}, then {subject.conf.reload(PJSIP_RELOAD)}",
        place=subject.conf.place("pjsip.conf", examined.endpoint, "allow"),
    )


async def nat(subject: Subject, examined: Trunk, contact: str, transport: Options) -> Finding:
    """Whether the far end is told an address it can send sound to."""
    found = re.match(r"sips?:(?:[^@]*@)?(\[[^\]]+\]|[^:;,>]+)", contact)
    if found is None:
        return unknown(Step.NAT, f"Trunk {examined.id}: where its far end is, is not known before it registers.")
    try:
        async with asyncio.timeout(2):
            far = await asyncio.get_running_loop().run_in_executor(None, _resolved, found[1].strip("[]"))
    except (OSError, TimeoutError):
        return bad(
            Step.NAT,
            f"Trunk {examined.id}: the name of its far end, {found[1]}, does not resolve.",
            mend=f"Run: getent hosts {found[1]}. Mend the name, or this machine's /etc/resolv.conf.",
            place=subject.conf.place("pjsip.conf", examined.endpoint, "contact"),
        )
    source = _source_towards(far) if subject.is_local else _bound_to(transport)
    return judged_nat(subject, examined, far, source, transport.get("external_media_address", ""))


def judged_nat(subject: Subject, examined: Trunk, far: str, source: str, external: str) -> Finding:
    """far: the far end's address; source: the one Asterisk calls from; external: the one it is told to give out."""
    if not ipaddress.ip_address(far).is_global:
        return good(Step.NAT, f"Trunk {examined.id}: the far end is in your own network; no address to translate.")
    if external:
        return good(Step.NAT, f"Trunk {examined.id}: the far end is told to send sound to {external}.")
    if not source:
        return unknown(
            Step.NAT, f"Trunk {examined.id}: which address the far end is told to send sound to is not known."
        )
    if ipaddress.ip_address(source).is_global:
        return good(Step.NAT, f"Trunk {examined.id}: the far end is told to send sound to {source}.")
    where = (
        "FreePBX: Settings → Asterisk SIP Settings → NAT Settings: External Address, Local Networks"
        if subject.conf.is_freepbx
        else f"{subject.conf.directory / 'pjsip.conf'}, the transport's section"
    )
    return bad(
        Step.NAT,
        f"Trunk {examined.id}: the far end is on the Internet and would be told to send sound to {source}, which only "
        "your own network knows: people would be heard by nobody.",
        mend="In the transport's section write `external_media_address = YOUR-PUBLIC-ADDRESS`, "
        "`external_signaling_address = ` the same, `local_net = YOUR-NETWORK/24`; then restart Asterisk when no call "
        "is up: asterisk -rx 'core restart when convenient'. (Some providers cope with NAT by themselves.)",
        place=where,
    )


async def object_options(ari: Resources, kind: str, name: str) -> Options:
    """The settings of one object of PJSIP's, as Asterisk has them; empty where it does not tell."""
    try:
        pairs = await ari.asterisk.getObject(configClass="res_pjsip", objectType=kind, id=name.strip())
    except AriError:
        return {}
    return {pair.attribute: pair.value for pair in pairs}


def _resolved(host: str) -> str:
    return str(socket.getaddrinfo(host, 5060, type=socket.SOCK_DGRAM)[0][4][0])


def _source_towards(address: str) -> str:
    """The address of this machine that packets to there would carry; none is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 5060))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _bound_to(transport: Options) -> str:
    address = transport.get("bind", "").rpartition(":")[0].strip("[]")
    try:
        return "" if ipaddress.ip_address(address).is_unspecified else address
    except ValueError:
        return ""
