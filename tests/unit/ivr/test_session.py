"""What each node does in a call, and what it must not do."""

from __future__ import annotations

import json

import pytest

from app.commands import AddDnc, FlowCommand, HangUp, Play, RenderPrompts, SendToExtension, StopPlayback
from app.events import (
    CallEnded,
    CallLeft,
    CommandFailed,
    DncAdded,
    FaxHeard,
    PlaybackEnded,
    PromptsRendered,
    RecordingEnded,
    StoreFailed,
    TalkEnded,
    TalkStarted,
)
from app.ivr.needs import prompts_needed, static_prompts
from app.ivr.result import EndedBy
from app.ivr.turns import DNC_WAIT_MS
from app.model import Audio, Prompt
from app.outcomes import Outcome
from app.units import AttemptId, Number
from tests.unit.ivr.build import ATTEMPT, LENGTH_MS, NUMBER, Phone, audio_of, flow_of

MENU = """
start:
  type: menu
  text: Press 1
  wrong_key: Wrong
  keys: {1: one, 9: stop}
  into: choice
  timeout_s: 5
  repeats: 1
  on_timeout: late
  on_fail: lost
one: {type: hangup, text: One}
late: {type: hangup, text: Late}
lost: {type: hangup, text: Lost}
stop: {type: opt_out, text: Gone, failed: Sorry}
"""


def menu(**fields: str) -> Phone:
    return Phone(flow_of(MENU), fields=fields).start()


# --- play, hangup ----------------------------------------------------------------------------------------------------


def test_prompts_follow_each_other_and_the_call_ends() -> None:
    phone = Phone(
        flow_of("start: {type: play, text: 'Hi {name}', next: bye}\nbye: {type: hangup, text: Bye}"), {"name": "Ann"}
    )
    phone.start()
    phone.finish_playback()
    phone.finish_playback()
    assert phone.said == ["Hi Ann", "Bye"]
    assert phone.kinds == ["HangUp"]
    assert phone.session.is_over
    assert phone.result.ended_by is EndedBy.FLOW
    assert [(part.node, part.heard_ms, part.length_ms) for part in phone.result.heard] == [
        ("start", LENGTH_MS, LENGTH_MS),
        ("bye", LENGTH_MS, LENGTH_MS),
    ]


def test_a_person_who_hangs_up_heard_what_had_been_played() -> None:
    phone = Phone(flow_of("start: {type: hangup, text: Hello}")).start()
    assert phone.tell(CallEnded(attempt_id=ATTEMPT), after_ms=700) == []
    (heard,) = phone.result.heard
    assert (heard.heard_ms, heard.length_ms) == (700, LENGTH_MS)
    assert phone.result.ended_by is EndedBy.PERSON


def test_a_failed_playback_just_before_the_hangup_is_the_person_hanging_up() -> None:
    """Asterisk tells the playback's failure a moment before the end of the call."""
    phone = Phone(flow_of("start: {type: play, text: Hello, next: bye}\nbye: {type: hangup}")).start()
    assert phone.finish_playback(700, has_failed=True) == []
    phone.tell(CallEnded(attempt_id=ATTEMPT), after_ms=20)
    assert phone.result.ended_by is EndedBy.PERSON
    assert phone.path == ["start"]


def test_a_failed_playback_goes_on_to_the_next_node() -> None:
    phone = Phone(flow_of("start: {type: play, text: Hello, next: bye}\nbye: {type: hangup, text: Bye}")).start()
    phone.finish_playback(10, has_failed=True)
    phone.pass_time(500)
    assert phone.path == ["start", "bye"]
    assert phone.result.heard[0].has_failed
    assert phone.result.notes


def test_nobody_is_left_in_silence_when_nothing_can_be_played() -> None:
    rows = "\n".join(f"n{n}: {{type: play, text: T{n}, next: n{n + 1}}}" for n in range(30))
    phone = Phone(flow_of(rows + "\nn30: {type: hangup}", head="start: n0")).start()
    began = phone.now_ms
    while not phone.session.is_over:
        phone.finish_playback(5, has_failed=True)
        phone.pass_time(300)
    assert phone.now_ms - began <= 3_000
    assert phone.result.ended_by is EndedBy.ERROR


def test_a_playback_whose_end_is_never_told_is_over_in_time() -> None:
    phone = Phone(flow_of("start: {type: hangup, text: Hello}")).start()
    phone.pass_time(LENGTH_MS + 10_000)
    assert phone.session.is_over
    assert "never told" in phone.result.notes[0]


def test_after_a_gap_nobody_waits_for_the_end_of_what_is_over() -> None:
    """The playback's end, or its failure, was among what was not told."""
    phone = Phone(flow_of("start: {type: play, text: Hello, next: bye}\nbye: {type: hangup, text: Bye}")).start()
    phone.now_ms += LENGTH_MS + 500
    phone.session.missed(phone.now_ms)
    phone.pass_time(1)
    assert phone.path == ["start", "bye"]


def test_after_a_gap_what_is_still_being_said_is_waited_for() -> None:
    phone = Phone(flow_of("start: {type: play, text: Hello, next: bye}\nbye: {type: hangup, text: Bye}")).start()
    phone.now_ms += LENGTH_MS - 700
    phone.session.missed(phone.now_ms)
    phone.pass_time(700)
    assert phone.path == ["start"]
    phone.pass_time(301)
    assert phone.path == ["start", "bye"]


def test_barge_in_on_play_keeps_the_key_for_the_menu() -> None:
    phone = Phone(
        flow_of(MENU.replace("start:", "ask:", 1) + "start: {type: play, text: Long, barge_in: yes, next: ask}")
    ).start()
    commands = phone.press("1", 300)
    assert isinstance(commands[0], StopPlayback)
    assert phone.said == ["Long", "One"]
    assert phone.result.heard[0].heard_ms == 300


def test_a_play_without_barge_in_is_heard_to_its_end_and_its_keys_are_kept() -> None:
    phone = Phone(flow_of(MENU.replace("start:", "ask:", 1) + "start: {type: play, text: Long, next: ask}")).start()
    assert phone.press("5") == []
    assert phone.press("1") == []
    phone.finish_playback()
    assert phone.said == ["Long", "One"]


# --- menu ------------------------------------------------------------------------------------------------------------


def test_a_key_barges_in_and_is_an_answer() -> None:
    phone = menu()
    commands = phone.press("1", 500)
    assert [type(command) for command in commands] == [StopPlayback, Play]
    assert phone.result.answers == {"choice": "1"}
    assert [(key.node, key.key, key.at_ms) for key in phone.result.keys] == [("start", "1", 500)]


def test_the_late_end_of_a_stopped_playback_means_nothing() -> None:
    phone = menu()
    old = phone.playing.playback_id
    phone.press("1", 500)
    assert phone.tell(PlaybackEnded(attempt_id=ATTEMPT, playback_id=old)) == []
    assert phone.path == ["start", "one"]


def test_a_wrong_key_is_told_and_the_question_asked_again() -> None:
    phone = menu()
    phone.press("5", 100)
    assert phone.said == ["Press 1", "Wrong", "Press 1"]
    phone.press("5", 100)
    assert phone.path == ["start", "lost"]


def test_no_key_repeats_the_question_and_then_goes_on() -> None:
    phone = menu()
    phone.finish_playback()
    phone.pass_time(4_999)
    assert phone.said == ["Press 1"]
    phone.pass_time(1)
    assert phone.said == ["Press 1", "Press 1"]
    phone.finish_playback()
    phone.pass_time(5_000)
    assert phone.path == ["start", "late"]


def test_a_menu_without_barge_in_takes_no_key_before_its_end() -> None:
    phone = Phone(flow_of(MENU.replace("  keys:", "  barge_in: no\n  keys:"))).start()
    assert phone.press("1", 100) == []
    phone.finish_playback()
    assert phone.path == ["start"]
    phone.press("1", 100)
    assert phone.path == ["start", "one"]


def test_a_menu_that_cannot_be_played_fails_at_once() -> None:
    phone = menu()
    phone.finish_playback(5, has_failed=True)
    phone.pass_time(400)
    assert phone.path == ["start", "lost"]


@pytest.mark.parametrize("key", ["x", "", "11", "E", "１"])
def test_what_is_no_key_is_ignored(key: str) -> None:
    phone = menu()
    assert phone.press(key) == []
    assert phone.result.keys == ()


# --- digits, record --------------------------------------------------------------------------------------------------

DIGITS = """
start:
  type: digits
  text: Enter
  wrong_key: Again
  into: code
  min_digits: 2
  max_digits: 4
  repeats: 1
  next: ok
  on_fail: lost
ok: {type: hangup, text: "You entered {code}"}
lost: {type: hangup, text: Lost}
"""


@pytest.mark.parametrize(
    ("keys", "wait_ms", "code"),
    [("12#", 0, "12"), ("1234", 0, "1234"), ("123", 3_000, "123"), ("1*2#", 0, "12"), ("12345", 0, "1234")],
)
def test_digits_end_by_terminator_count_or_pause(keys: str, wait_ms: int, code: str) -> None:
    phone = Phone(flow_of(DIGITS)).start()
    for key in keys:
        phone.press(key, 200)
    phone.pass_time(wait_ms)
    assert phone.result.answers == {"code": code}
    assert phone.path == ["start", "ok"]


@pytest.mark.parametrize(("keys", "wait_ms"), [("#", 0), ("1#", 0), ("1", 3_000), ("", LENGTH_MS + 6_000)])
def test_too_few_digits_are_asked_again_and_then_fail(keys: str, wait_ms: int) -> None:
    phone = Phone(flow_of(DIGITS)).start()
    for round_ in (1, 2):
        for key in keys:
            phone.press(key, 100)
        if not keys:
            phone.finish_playback()
        phone.pass_time(wait_ms)
        assert phone.path == (["start"] if round_ == 1 else ["start", "lost"])
    assert phone.result.answers == {}


def test_digits_typed_ahead_need_no_question() -> None:
    phone = Phone(flow_of(DIGITS.replace("start:", "ask:", 1) + "start: {type: play, text: Hi, next: ask}")).start()
    for key in "12#":
        phone.press(key)
    phone.finish_playback()
    assert phone.path == ["start", "ask", "ok"]


def test_what_the_person_entered_is_spoken_after_being_rendered() -> None:
    phone = Phone(flow_of(DIGITS)).start()
    commands = [phone.press(key, 50) for key in "12#"][-1]
    (asked,) = [command for command in commands if isinstance(command, RenderPrompts)]
    assert [prompt.text for prompt in asked.prompts] == ["You entered 12"]
    phone.tell(PromptsRendered(attempt_id=ATTEMPT, audio=audio_of(*asked.prompts), failed={}), 100)
    assert phone.said == ["Enter", "You entered 12"]


RECORD = """
start: {type: record, text: Speak, into: message, max_s: 10, next: bye}
bye: {type: hangup, text: Thanks}
"""


def test_a_recording_is_named_after_the_attempt_and_kept() -> None:
    phone = Phone(flow_of(RECORD)).start()
    phone.finish_playback()
    assert phone.record.name == f"{ATTEMPT}-start"
    phone.finish_recording(4_200, after_ms=4_200)
    phone.pass_time(300)
    assert phone.result.answers == {"message": f"{ATTEMPT}-start"}
    assert phone.result.recordings[0].length_ms == 4_200
    assert phone.said[-1] == "Thanks"


def test_a_person_who_hangs_up_while_recorded_hung_up() -> None:
    phone = Phone(flow_of(RECORD)).start()
    phone.finish_playback()
    phone.finish_recording(900, after_ms=900)
    phone.tell(CallEnded(attempt_id=ATTEMPT), 30)
    assert phone.result.ended_by is EndedBy.PERSON
    assert phone.result.recordings[0].length_ms == 900


def test_the_length_of_a_recording_counts_even_after_the_end() -> None:
    phone = Phone(flow_of(RECORD)).start()
    phone.finish_playback()
    phone.tell(CallEnded(attempt_id=ATTEMPT), 900)
    assert phone.finish_recording(900) == []
    assert phone.result.recordings[0].length_ms == 900


def test_an_answer_of_less_than_a_second_is_kept() -> None:
    """Asterisk cuts silence off and tells whole seconds: a “yes” has length 0."""
    phone = Phone(flow_of(RECORD)).start()
    phone.finish_playback()
    phone.finish_recording(0, after_ms=4_000)
    phone.pass_time(300)
    assert phone.result.answers == {"message": f"{ATTEMPT}-start"}


@pytest.mark.parametrize("how", ["refused", "failed", "forgotten"])
def test_a_recording_that_fails_goes_on(how: str) -> None:
    phone = Phone(flow_of(RECORD)).start()
    phone.finish_playback()
    match how:
        case "refused":
            phone.tell(CommandFailed(attempt_id=ATTEMPT, command="Record", reason="no folder"))
        case "failed":
            phone.tell(RecordingEnded(attempt_id=ATTEMPT, name=phone.record.name, length_ms=0, has_failed=True))
    phone.pass_time(16_000)
    assert "bye" in phone.path
    assert phone.result.answers == {}


def test_two_recordings_of_one_node_have_two_names() -> None:
    flow = flow_of("start: {type: record, into: a, next: ask}\nask: {type: menu, text: Again?, keys: {1: start}}")
    phone = Phone(flow).start()
    phone.finish_recording(1_000)
    phone.pass_time(300)
    phone.press("1")
    assert phone.record.name == f"{ATTEMPT}-start-2"


# --- say, set, branch ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "language", "said"),
    [
        ({"sum": "21.50"}, "ru", ["К оплате двадцать один рубль пятьдесят копеек."]),
        ({"sum": "21.50"}, "en", ["You owe twenty-one roubles and fifty kopeks."]),
        ({"SUM": "2"}, "fr", ["You owe two roubles."]),
        ({"sum": "n/a"}, "en", ["You owe n/a."]),
        ({"sum": ""}, "en", []),
    ],
)
def test_money_in_the_contacts_language(fields: dict[str, str], language: str, said: list[str]) -> None:
    flow = flow_of(
        """
        start:
          type: say
          kind: money
          field: sum
          currency: RUB
          text: {en: "You owe {value}.", ru: "К оплате {value}."}
          next: bye
        bye: {type: hangup}
        """
    )
    assert Phone(flow, fields, language).start().said == said


def test_a_value_alone_and_a_literal() -> None:
    flow = flow_of("start: {type: say, kind: digits, value: 407, next: bye}\nbye: {type: hangup}")
    assert Phone(flow).start().said == ["four, zero, seven"]


BRANCH = """
start:
  type: branch
  field: sum
  cases:
    - {empty: yes, next: none}
    - {equals: VIP, next: vip}
    - {one_of: [a, b], next: letter}
    - {same_as: other, next: same}
    - {less: 10, next: small}
    - {greater: 1000, next: large}
  else: middle
none: {type: hangup}
vip: {type: hangup}
letter: {type: hangup}
same: {type: hangup}
small: {type: hangup}
large: {type: hangup}
middle: {type: hangup}
"""


@pytest.mark.parametrize(
    ("value", "node"),
    [
        ("", "none"), ("  ", "none"), ("vip ", "vip"), ("B", "letter"), ("Same", "same"), ("9.99", "small"),
        ("10", "middle"), ("1,000.01", "large"), ("1000", "middle"), ("words", "middle"), ("-5", "small"),
    ],
)  # fmt: skip
def test_branches(value: str, node: str) -> None:
    assert Phone(flow_of(BRANCH), {"Sum": value, "other": "same"}).start().path == ["start", node]


def test_set_and_what_follows() -> None:
    flow = flow_of(
        "start: {type: set, field: a, value: x, next: copy}\n"
        "copy: {type: set, field: b, from: name, next: bye}\n"
        "bye: {type: hangup, text: '{a} {b}'}"
    )
    phone = Phone(flow, {"Name": "Ann"}, is_rendered=False).start()
    (asked,) = [command for command in phone.done if isinstance(command, RenderPrompts)]
    assert asked.prompts[0].text == "x Ann"
    assert phone.result.answers == {"a": "x", "b": "Ann"}


# --- transfer --------------------------------------------------------------------------------------------------------

TRANSFER = """
start: {type: transfer, context: agents, extension: "1000", text: Wait, on_fail: sorry}
sorry: {type: hangup, text: Sorry}
"""


def test_a_transfer_hands_the_call_over_and_hangs_nothing_up() -> None:
    phone = Phone(flow_of(TRANSFER)).start()
    commands = phone.finish_playback()
    assert commands == [SendToExtension(attempt_id=ATTEMPT, context="agents", extension="1000")]
    assert not phone.session.is_over
    assert phone.tell(CallLeft(attempt_id=ATTEMPT)) == []
    assert phone.result.ended_by is EndedBy.TRANSFER


def test_a_refused_transfer_has_its_own_way() -> None:
    phone = Phone(flow_of(TRANSFER)).start()
    phone.finish_playback()
    phone.tell(CommandFailed(attempt_id=ATTEMPT, command="SendToExtension", reason="no such context"))
    assert phone.said == ["Wait", "Sorry"]


def test_a_transfer_never_confirmed_is_not_hung_up() -> None:
    phone = Phone(flow_of(TRANSFER)).start()
    phone.finish_playback()
    assert phone.pass_time(60_000) == []
    assert phone.result.ended_by is EndedBy.TRANSFER


def test_a_call_that_leaves_unasked_is_an_error() -> None:
    phone = menu()
    phone.tell(CallLeft(attempt_id=ATTEMPT))
    assert phone.result.ended_by is EndedBy.ERROR


# --- opt-out ---------------------------------------------------------------------------------------------------------


def test_the_confirmation_waits_for_the_disk() -> None:
    phone = menu()
    commands = phone.press("9", 100)
    assert commands[-1] == AddDnc(number=NUMBER, source="keypress", attempt_id=ATTEMPT)
    phone.pass_time(1_000)
    assert "Gone" not in phone.said
    phone.write_dnc()
    assert phone.said[-1] == "Gone"
    assert phone.result.opted_out
    assert not phone.result.opt_out_failed


def test_a_disk_that_does_not_answer_in_five_seconds() -> None:
    phone = menu()
    phone.press("9")
    phone.pass_time(DNC_WAIT_MS)
    assert phone.said[-1] == "Sorry"
    phone.finish_playback()
    assert phone.session.is_over
    assert phone.result.opt_out_failed
    assert not phone.result.opted_out
    assert "Gone" not in phone.said


def test_a_disk_that_refuses_is_asked_again() -> None:
    phone = menu()
    phone.press("9")
    assert [type(one) for one in phone.tell(StoreFailed(reason="locked"))] == [AddDnc]
    phone.write_dnc()
    assert phone.said[-1] == "Gone"


def test_a_disk_that_refuses_three_times() -> None:
    phone = menu()
    phone.press("9")
    for _ in range(3):
        phone.tell(StoreFailed(reason="full"))
    assert phone.said[-1] == "Sorry"
    assert phone.kinds.count("AddDnc") == 3


def test_a_late_confirmation_still_counts_in_the_result() -> None:
    phone = menu()
    phone.press("9")
    phone.tell(CallEnded(attempt_id=ATTEMPT), 10)
    assert phone.result.opt_out_failed
    assert phone.write_dnc() == []
    assert phone.result.opted_out
    assert not phone.result.opt_out_failed


def test_another_numbers_opt_out_and_a_failure_unasked_mean_nothing() -> None:
    phone = menu()
    phone.tell(StoreFailed(reason="locked"))
    phone.write_dnc()
    assert not phone.result.opted_out
    phone.press("9")
    phone.tell(DncAdded(number=Number("+447700900999"), attempt_id=ATTEMPT))
    phone.tell(DncAdded(number=NUMBER, attempt_id=AttemptId("otherone")))
    assert "Gone" not in phone.said


# --- detect, voicemail -----------------------------------------------------------------------------------------------

DETECT = """
start: {type: detect, on_person: person, on_machine: machine, on_silence: silence}
person: {type: menu, text: Hi, keys: {1: bye}}
machine: {type: voicemail, text: Message}
silence: {type: menu, text: Anybody, keys: {1: bye}}
bye: {type: hangup}
"""


def detect() -> Phone:
    return Phone(flow_of(DETECT)).start()


def talk(phone: Phone, length_ms: int, *, after_ms: int = 200) -> None:
    """Sound, then the second of silence after which its end is told."""
    phone.tell(TalkStarted(attempt_id=ATTEMPT), after_ms)
    phone.tell(TalkEnded(attempt_id=ATTEMPT, length_ms=length_ms), length_ms + 1_000)


@pytest.mark.parametrize(
    ("length_ms", "node", "machine"),
    [(300, "person", False), (1_400, "person", False), (2_600, "machine", True), (9_000, "machine", True)],
)
def test_the_length_of_the_greeting_tells(length_ms: int, node: str, machine: bool) -> None:
    phone = detect()
    talk(phone, length_ms)
    assert phone.path == ["start", node]
    assert phone.result.machine is machine


def test_a_long_stretch_whose_beginning_was_missed_is_a_machine() -> None:
    phone = detect()
    phone.tell(TalkEnded(attempt_id=ATTEMPT, length_ms=3_000), 3_500)
    assert phone.path == ["start", "machine"]


def test_what_the_network_said_before_the_answer_is_no_greeting() -> None:
    """Asterisk hears early media too: an announcement of 2.4 s runs on into the person's hello."""
    phone = detect()
    phone.tell(TalkEnded(attempt_id=ATTEMPT, length_ms=3_200), 1_800)
    assert phone.path == ["start", "person"]


def test_silence_is_told_after_four_seconds_and_is_dead_air() -> None:
    phone = detect()
    phone.pass_time(3_999)
    assert phone.path == ["start"]
    phone.pass_time(1)
    assert phone.path == ["start", "silence"]
    assert phone.result.suggested_outcome is Outcome.DEAD_AIR


def test_who_presses_a_key_after_silence_is_a_person() -> None:
    phone = detect()
    phone.pass_time(4_000)
    phone.press("1")
    assert phone.result.suggested_outcome is None


def test_a_key_while_listening_is_a_person_and_chooses() -> None:
    phone = detect()
    phone.press("1", 500)
    assert phone.path == ["start", "person", "bye"]
    assert phone.result.machine is False


def test_the_message_waits_for_the_end_of_greeting_and_beep() -> None:
    phone = detect()
    phone.tell(TalkStarted(attempt_id=ATTEMPT), 300)
    phone.pass_time(2_500)
    assert phone.path == ["start", "machine"]
    assert phone.said == []
    phone.tell(TalkEnded(attempt_id=ATTEMPT, length_ms=6_000), 4_500)
    assert phone.said == []
    phone.pass_time(200)
    assert phone.said == ["Message"]
    phone.finish_playback()
    assert phone.session.is_over
    result = phone.result
    assert (result.voicemail_left, result.suggested_outcome) == (True, Outcome.ANSWERING_MACHINE)


def test_a_late_beep_begins_the_message_anew() -> None:
    phone = detect()
    talk(phone, 3_000)
    phone.pass_time(200)
    assert phone.said == ["Message"]
    talk(phone, 400, after_ms=100)
    phone.pass_time(200)
    assert phone.said == ["Message", "Message"]


def test_a_machine_that_talks_for_ever_gets_its_message_after_thirty_seconds() -> None:
    phone = detect()
    phone.tell(TalkStarted(attempt_id=ATTEMPT), 300)
    phone.pass_time(2_500 + 30_000)
    assert phone.said == ["Message"]


def test_a_machine_that_hangs_up_has_no_message() -> None:
    phone = detect()
    talk(phone, 3_000)
    phone.pass_time(200)
    phone.tell(CallEnded(attempt_id=ATTEMPT), 500)
    assert not phone.result.voicemail_left
    assert phone.result.suggested_outcome is Outcome.ANSWERING_MACHINE


# --- fax -------------------------------------------------------------------------------------------------------------


def hear_fax(phone: Phone, after_ms: int = 0) -> list[FlowCommand]:
    return phone.tell(FaxHeard(attempt_id=ATTEMPT), after_ms)


def test_a_fax_is_hung_up_on_as_soon_as_its_tone_is_heard() -> None:
    phone = detect()
    phone.tell(TalkStarted(attempt_id=ATTEMPT), 600)
    assert hear_fax(phone, 900) == [HangUp(attempt_id=ATTEMPT)]
    result = phone.result
    assert (phone.path, phone.said, result.ended_by) == (["start"], [], EndedBy.FLOW)
    assert (result.fax, result.suggested_outcome) == (True, Outcome.FAX)
    assert result.as_json()["fax"] is True


def test_a_fax_behind_a_greeting_gets_no_message() -> None:
    phone = detect()
    talk(phone, 3_000)
    hear_fax(phone, 100)
    assert phone.session.is_over
    assert phone.result.suggested_outcome is Outcome.FAX
    assert not phone.result.voicemail_left


def test_a_fax_that_begins_after_the_message_has_begun_is_not_spoken_to_further() -> None:
    phone = detect()
    talk(phone, 3_000)
    phone.pass_time(200)
    assert phone.said == ["Message"]
    assert hear_fax(phone, 500) == [HangUp(attempt_id=ATTEMPT)]
    assert phone.result.heard[0].heard_ms == 500
    assert phone.result.suggested_outcome is Outcome.FAX


@pytest.mark.parametrize("node", ["person", "silence"])
def test_whistling_into_a_question_is_no_fax(node: str) -> None:
    phone = detect()
    if node == "person":
        talk(phone, 300)
    else:
        phone.pass_time(4_000)
    assert phone.path == ["start", node]
    assert hear_fax(phone, 500) == []
    assert not phone.session.is_over
    assert not phone.result.fax


def test_a_tone_told_twice_or_after_the_end_changes_nothing() -> None:
    phone = detect()
    hear_fax(phone, 1_500)
    result = phone.result
    assert hear_fax(phone, 1_500) == []
    assert phone.result == result
    phone = detect()
    phone.tell(CallEnded(attempt_id=ATTEMPT), 500)
    assert hear_fax(phone) == []
    assert phone.result.suggested_outcome is None


# --- rules for all ---------------------------------------------------------------------------------------------------


def test_events_of_other_attempts_and_before_the_start_mean_nothing() -> None:
    phone = Phone(flow_of(MENU))
    assert phone.press("1") == []
    phone.start()
    other = AttemptId("otherone")
    assert phone.tell(CallEnded(attempt_id=other)) == []
    assert not phone.session.is_over


def test_a_session_begins_once() -> None:
    phone = menu()
    with pytest.raises(ValueError, match="begun"):
        phone.session.start(phone.now_ms)


def test_after_the_end_nothing_is_asked_for() -> None:
    phone = menu()
    phone.tell(CallEnded(attempt_id=ATTEMPT))
    assert phone.press("1") == []
    assert phone.session.wake(phone.now_ms + 10_000_000) == []
    assert phone.session.next_deadline_ms() is None


def test_a_missing_prompt_is_asked_for_and_waited_for_two_seconds() -> None:
    phone = Phone(
        flow_of("start: {type: play, text: Hi, next: bye}\nbye: {type: hangup, sound: goodbye}"), is_rendered=False
    )
    phone.start()
    assert phone.kinds == ["RenderPrompts"]
    phone.pass_time(2_000)
    assert phone.path == ["start", "bye"]
    late = Prompt(text="Hi")
    assert (
        phone.tell(PromptsRendered(attempt_id=ATTEMPT, audio={late: Audio(media="sound:x", length_ms=1)}, failed={}))
        == []
    )


def test_a_prompt_that_cannot_be_made_is_skipped_with_a_note() -> None:
    phone = Phone(flow_of("start: {type: play, text: Hi, next: bye}\nbye: {type: hangup}"), is_rendered=False).start()
    phone.tell(PromptsRendered(attempt_id=ATTEMPT, audio={}, failed={Prompt(text="Hi"): "no voice"}))
    assert phone.session.is_over
    assert phone.result.heard[0].has_failed


def test_a_person_who_repeats_for_ever_is_let_go_after_five_hundred_steps() -> None:
    phone = Phone(flow_of("start: {type: menu, text: Hi, keys: {1: start}}")).start()
    for _ in range(600):
        phone.press("1", 10)
    assert phone.session.is_over
    assert len(phone.result.path) == 500


def test_the_result_is_plain_json() -> None:
    phone = menu()
    phone.press("1", 100)
    told = json.loads(json.dumps(phone.result.as_json()))
    assert told["ended_by"] == "still running"
    assert told["answers"] == {"choice": "1"}
    assert told["path"] == [{"node": "start", "at_ms": 0}, {"node": "one", "at_ms": 100}]


def test_which_prompts_are_needed_and_which_are_everybodys() -> None:
    flow = flow_of(
        """
        start: {type: play, text: {en: "Hi {name}", ru: "Привет, {name}"}, next: code}
        code: {type: digits, text: {en: Code, ru: Код}, into: code, next: bye, on_fail: bye}
        bye: {type: hangup, text: {en: "{code}. {seller}", ru: "{code}"}}
        """,
        head="seller: Us",
    )
    assert prompts_needed(flow, {"name": "Ann"}, "ru") == (
        Prompt(text="Привет, Ann", language="ru"),
        Prompt(text="Код", language="ru"),
    )
    assert static_prompts(flow, ["en", "ru-RU"]) == (
        Prompt(text="Code", language="en"),
        Prompt(text="Код", language="ru"),
    )
