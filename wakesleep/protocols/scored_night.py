"""A scored night as a protocol file."""

from __future__ import annotations

import json
import math

from wakesleep.errors import InputError
from wakesleep.results.scored import Scored

# What a network does in each stage, unless the user says otherwise. That NREM replays and REM
# unlearns is a hypothesis; light sleep and what was not scored let time pass.
DEFAULTS = {
    "WAKE": "wake",
    "N1": "rest",
    "N2": "replay",
    "N3": "replay",
    "NREM": "replay",
    "REM": "sleep",
    "ART": "rest",
    "UNS": "rest",
}
PHASES = ("wake", "replay", "sleep", "rest")


def protocol_text(
    night: Scored,
    name: str,
    source: str,
    start_h: float = 23.0,
    day_h: float = 16.0,
    steps_per_hour: float = 120.0,
) -> str:
    """Return a protocol file with the phases of a night after a day awake.

    Parameters
    ----------
    night
        The night.
    name
        The protocol's name.
    source
        Where the night is from, for the description.
    start_h
        Time of day at which the night begins, in hours.
    day_h
        Hours awake before it.
    steps_per_hour
        Updates in an hour of the clock.

    Raises
    ------
    InputError
        If a number does not fit.
    """
    if not 0 <= start_h < 24:
        raise InputError(f"the night begins at an hour from 0 to 24, not {start_h:g}")
    if not 0 < day_h < math.inf:
        raise InputError(f"the day before must last some hours, not {day_h:g}")
    if not 0 < steps_per_hour < math.inf:
        raise InputError(f"updates per hour must be above 0, not {steps_per_hour:g}")
    shortest = min(night.durations)
    if shortest * steps_per_hour < 0.5 * 3600:
        raise InputError(
            f"the shortest stage lasts {shortest:g} s, less than an update of the network; say "
            f"--steps-per-hour {math.ceil(3600 / shortest)} or more"
        )
    used = [stage for stage in DEFAULTS if stage in night.stages]
    lines = [
        f"protocol: {name}",
        f"description: {json.dumps(f'A day awake, and the night scored in {source}.')}",
        "",
        "inputs:",
        "  # What the network does in each stage: edit it here, or say -p n2=rest.",
    ]
    for stage in used:
        choices = ", ".join(PHASES)
        lines.append(
            f"  {stage.lower()}: {{default: {DEFAULTS[stage]}, choices: [{choices}], "
            f"description: Phase in stage {stage}.}}"
        )
    lines += [
        f"  day_hours: {{default: {float(day_h)!r}, minimum: 0.01, unit: h, "
        "description: Hours awake before the night.}",
        f"  updates_per_hour: {{default: {float(steps_per_hour)!r}, minimum: 0.001, description: "
        "Speed of the network.}",
        "  nights: {default: 1, minimum: 1, description: Days and nights; all nights are alike.}",
        "  batch: {default: 50, minimum: 1, description: Cases in every update.}",
        "",
        "requires: [wake, sleep]",
        "data: {batch: $batch}",
        f"clock: {{steps_per_hour: $updates_per_hour, start_h: {(start_h - day_h) % 24:.12g}, "
        f"day_h: $day_hours + {night.seconds / 3600:.12g}}}",
        "phases:",
        "  - repeat: $nights",
        "    block: nights",
        "    phases:",
        "      - {phase: wake, hours: $day_hours}",
    ]
    for stage, seconds in zip(night.stages, night.durations, strict=True):
        lines.append(
            f"      - {{phase: ${stage.lower()}, minutes: {seconds / 60:.12g}, stage: {stage}}}"
        )
    return "\n".join([*lines, ""])
