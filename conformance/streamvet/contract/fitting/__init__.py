"""What the parts of a profile say of each other, and its folder of them: rules that no schema can say.

Must not know checks or probes. A rule is a function from a profile to its misfits; the tables are here.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from streamvet.contract.files import FileError
from streamvet.contract.fitting import events, files, idle, operations, requests, scripts, tables, types

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from streamvet.contract.fitting.misfit import Rule
    from streamvet.contract.profile import Profile

# By what holds where there is no misfit. What others build on comes first.
RULES: Mapping[str, Rule] = {
    "the name is its own": operations.own_name,
    "its files exist": files.are_there,
    "its schemas are schemas": files.are_schemas,
    "its patterns take linear time": files.have_linear_patterns,
    "its schemas have addresses": files.have_addresses,
    "its schemas refer to each other": files.refer_to_each_other,
    "it has the operations of its streams": operations.are_there,
    "it has no operations of other streams": operations.are_no_others,
    "what is read is a stream": operations.stream,
    "a stream is a success": operations.succeed,
    "a start gives an id": operations.give_ids,
    "a run is named": operations.name_runs,
    "a cursor is named": operations.name_cursors,
    "each name in braces stands for something": operations.are_filled,
    "names that are taken are used": operations.take_names,
    "refused bodies are made from the body": operations.refuse_bodies,
    "a record distinguishes active from finished": operations.record_states,
    "a status says one thing": requests.statuses_say_one_thing,
    "a body has its form": requests.bodies_are_as_said,
    "credentials have a place": operations.carry_credentials,
    "logging in is an operation": operations.log_in,
    "without credentials none are refused": operations.ask_nobody,
    "credentials are somebody's": requests.credentials_are_there,
    "a question is of something": operations.ask_of_something,
    "tables are named where a stream begins": operations.have_tables,
    "states are known": tables.states_are_known,
    "states can be reached": tables.states_can_be_reached,
    "tables are used": tables.tables_are_used,
    "a row can be followed": tables.rows_can_be_followed,
    "a stream can begin": tables.streams_can_begin,
    "tables accept ways of ending": tables.endings_are_outcomes,
    "types are known": events.types_are_known,
    "names are those of blocks": types.names_are_of_blocks,
    "rules that read no JSON come first": types.unread_come_first,
    "each rule can match": types.rules_can_match,
    "a rule does not contradict itself": types.rules_do_not_contradict,
    "names are as framed": types.names_are_as_framed,
    "a sentinel is data": types.sentinels_are_data,
    "types can be distinguished": types.types_can_be_told,
    "rules give types": types.rules_give_types,
    "a schema admits its type": types.schemas_admit_types,
    "what is assembled is whole": events.assembled_is_whole,
    "what is adopted narrows a type": events.adopted_narrow_types,
    "outcomes are terminal": events.outcomes_are_terminal,
    "silent ends have no event": events.silent_ends_have_no_event,
    "catching up fits the streams": events.catchup_fits,
    "a cursor gets something": events.cursors_get_something,
    "cursors are distinct": idle.cursors_are_told_apart,
    "numberings are distinct": events.numbers_are_told_apart,
    "a place in an id has an id": idle.places_are_there,
    "a heartbeat fits the framing": events.heartbeat_fits,
    "a heartbeat is due": idle.heartbeats_are_due,
    "a limit can be reached": idle.limits_can_be_reached,
    "a run that is read once has one reader": events.read_once,
    "the end of a deserted run shows": events.leaving_shows,
    "endings can be": events.endings_can_be,
    "a bound says something": events.bounds_say_something,
    "the heartbeat is stirred by operations": events.stirred_by_operations,
    "runs end": events.runs_end,
    "streams can have it": idle.streams_have_it,
    "a key is exercised": idle.keys_are_exercised,
    "templates are of a worker's types": scripts.templates_are_a_workers,
    "each type of a worker has a template": scripts.types_have_templates,
    "a template states its type": scripts.templates_tell_types,
    "a template has the key of its tables": scripts.templates_have_keys,
    "a template carries a text": scripts.templates_carry,
    "a template is valid": scripts.templates_are_valid,
}


def check_fit(profile: Profile, path: Path) -> None:
    """Hold a profile to all rules; `path` is its file.

    Raises:
        FileError: with the first misfit, and the file in which it is.
    """
    for misfit in chain.from_iterable(rule(profile) for rule in RULES.values()):
        file = profile.schemas.path_of(misfit.file) if misfit.file else path
        raise FileError(file, misfit.place, misfit.expected, misfit.got)
