"""The modules of Asterisk that Outring cannot do without: what each is for, and what breaks without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """One module. loss: what does not work without it."""

    name: str
    purpose: str
    loss: str


def _row(name: str, purpose: str, loss: str) -> Needed:
    return Needed(name=name, purpose=purpose, loss=loss)


NEEDED: Final = (
    _row("res_ari_applications.so", "ARI: applications", "Outring cannot choose the events it is told of"),
    _row("res_ari_asterisk.so", "ARI: Asterisk itself", "nothing can be asked of Asterisk"),
    _row("res_ari_bridges.so", "ARI: joining calls", "calls cannot be joined"),
    _row("res_ari_channels.so", "ARI: calls", "no call can be placed"),
    _row("res_ari_endpoints.so", "ARI: trunks and phones", "the state of trunks is not known"),
    _row("res_ari_events.so", "ARI: events", "Outring hears nothing of its calls"),
    _row("res_ari_playbacks.so", "ARI: prompts", "a prompt cannot be stopped when a key is pressed"),
    _row("res_ari_recordings.so", "ARI: recordings", "recordings cannot be stopped, read or removed"),
    _row("res_http_websocket.so", "websockets", "Outring hears nothing of its calls"),
    _row("res_stasis.so", "handing calls to programs", "no call can be steered"),
    _row("res_stasis_answer.so", "handing calls to programs: answering", "calls cannot be answered"),
    _row("res_stasis_playback.so", "handing calls to programs: prompts", "no prompt can be played"),
    _row("res_stasis_recording.so", "handing calls to programs: recordings", "nothing can be recorded"),
    _row("app_stasis.so", "the dialplan's Stasis()", "answered people hear the apology instead of your flow"),
    _row("pbx_config.so", "extensions.conf", "answered people are hung up on"),
    _row("app_playback.so", "the dialplan's Playback()", "with Outring down answered people hear silence"),
    _row("func_timeout.so", "the longest life of a call", "calls are refused: each carries its own time limit"),
    _row("func_channel.so", "the language of a call", "calls are refused: each carries its language"),
    _row("func_talkdetect.so", "hearing when a person speaks", "flows that wait for people to finish do not work"),
    _row("res_tonedetect.so", "hearing the tone of a fax", "fax machines are taken for answering machines"),
    _row("chan_pjsip.so", "SIP calls", "no call can be placed on a SIP trunk"),
    _row("res_pjsip.so", "SIP", "no call can be placed on a SIP trunk"),
    _row("res_pjsip_session.so", "SIP: calls", "no call can be placed on a SIP trunk"),
    _row("res_pjsip_sdp_rtp.so", "SIP: agreeing on sound", "calls have no sound"),
    _row("res_pjsip_rfc3326.so", "SIP: reasons of hang-ups", "outcomes are less exact"),
    _row("res_rtp_asterisk.so", "sound of calls", "calls have no sound"),
    _row("codec_ulaw.so", "G.711 µ-law", "prompts cannot be heard on µ-law trunks"),
    _row("codec_alaw.so", "G.711 A-law", "prompts cannot be heard on A-law trunks"),
    _row("codec_resample.so", "changing sample rates", "sounds of another rate than the call's are not heard"),
    _row("format_wav.so", "wav files", "no prompt can be played and nothing recorded"),
    _row("bridge_simple.so", "joining two calls", "two people cannot be joined"),
    _row("bridge_softmix.so", "joining several calls", "a third person cannot join"),
    _row("bridge_holding.so", "waiting people", "people cannot wait for an agent"),
    _row("chan_bridge_media.so", "sound in rooms", "conversations cannot be recorded, and rooms have no music"),
    _row("res_stasis_snoop.so", "listening in", "supervisors cannot listen in or whisper"),
    _row("res_musiconhold.so", "music", "people who wait or are on hold hear silence"),
    _row("res_pjsip_header_funcs.so", "SIP: headers", "agents' phones cannot be rung: they are not asked to answer"),
    _row("res_pjsip_registrar.so", "SIP: phones that register", "agents' phones cannot sign on"),
)

#: One of these gives Asterisk its beat.
TIMING: Final = ("res_timing_timerfd.so", "res_timing_pthread.so", "res_timing_dahdi.so", "res_timing_kqueue.so")
