"""One training run, from its present state to its bundle."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from synthgen.dataset.sheet import save_sheet
from synthgen.machine.progress import Progress, say
from synthgen.machine.signals import stop_at_safe_point
from synthgen.machine.threads import Look
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.train import DecidedTrainSettings
from synthgen.stages.train.budget import Timetable
from synthgen.stages.train.bundle import publish_best, save_best
from synthgen.stages.train.report import report_text, tick_line, tick_row
from synthgen.stages.train.rollback import choose, is_lost
from synthgen.stages.train.setup import Prepared
from synthgen.stages.train.store import Send
from synthgen.stages.train.yardstick import make_judge
from synthgen.storage.place import place
from synthgen.training import checkpoint
from synthgen.training.curves import draw_curves
from synthgen.training.distributed import Ranks
from synthgen.training.metrics_log import MetricsLog
from synthgen.training.phase_step import NotFinite
from synthgen.training.watch import Alarm, Watch

DRAW_EVERY = 20.0
"""Seconds between drawings of the curves, which take half a second, at least."""


class Run:
    """One training run from its present state to its bundle."""

    def __init__(
        self,
        settings: DecidedTrainSettings,
        prepared: Prepared,
        out: Path,
        group: Ranks,
        send: Send,
        timetable: Timetable | None,
        look: Look,
    ) -> None:
        self.settings = settings
        self.prepared = prepared
        self.training = prepared.training
        self.out = out
        self.group = group
        self.send, self.look = send, look
        self.timetable = timetable
        self.log = MetricsLog(out / "metrics.jsonl")
        self.checkpoints = out / "checkpoints"
        self.best: dict[str, float] = {}
        self.watch = Watch()
        self.rolled_to = -1
        self._drawn = time.perf_counter()

    def go(self) -> None:
        """Train to the end, or until the ladder has no rung left; leave the bundle."""
        training, settings = self.training, self.settings
        extra = checkpoint.load_newest(self.checkpoints, training)
        self.best = (extra or {}).get("best", {})
        stopped = bool((extra or {}).get("stopped"))
        self.rolled_to = (extra or {}).get("rolled_to", -1)
        if self.timetable is not None:
            self.timetable.start((extra or {}).get("time"), settings.images, settings.ticks)
        if self.group.leads:
            self.judge = make_judge(settings, self.prepared, self.out)
            # Without a checkpoint not even the first line, of the untrained networks, holds.
            self.log.cut_back(training.shown if extra else -1, training.remedies.attempt)
            self.watch = self._watch()
            if not extra:
                self._tick(None)
                self._save()
        self.group.wait()
        self._clock = (time.perf_counter(), training.shown)
        if self.timetable is not None:
            self.timetable.go_on(training.shown)
        self._replan()
        progress = Progress(
            training.pace.target, "training", initial=training.shown, shown=self.group.leads
        )
        with progress, self._stop_asked() as stop:
            while training.shown < training.pace.target and not stopped:
                alarm = self._advance()
                if alarm is not None:
                    stopped = not self._recover(alarm)
                progress.total = training.pace.target
                progress.reach(training.shown)
                if stop() and training.shown < training.pace.target:
                    if not self.watch.suspicious:
                        self._save()
                    raise KeyboardInterrupt
        if self.group.leads:
            self._finish(stopped)

    def _watch(self) -> Watch:
        """The watch of the run so far."""
        target, starts = self.training.pace.target, self.prepared.algorithm.starts
        return Watch.of(self.log.rows(), target, starts)

    def _stop_asked(self) -> AbstractContextManager[Callable[[], bool]]:
        """Several ranks would stop at different steps: there a signal ends each at once."""
        return stop_at_safe_point() if self.group.count == 1 else nullcontext(lambda: False)

    def _advance(self) -> Alarm | None:
        """One step and, where one is due, a tick and a checkpoint; what the watch says."""
        training, every = self.training, self.settings.checkpoint_every
        before = training.shown
        try:
            training.step()
        except NotFinite as fault:
            return Alarm("not-finite", str(fault))
        tick = training.pace.crossed(before, training.shown, self.settings.ticks)
        if not tick and self.timetable is not None and self.timetable.due(self.group):
            self._replan()
            tick = training.progress >= 1
        alarm = None
        if tick:
            alarm = self._agreed(self._tick(training.means.take()) if self.group.leads else None)
            self._replan()
        due = tick
        if every and training.shown < training.pace.target:
            due = int(before / every) != int(training.shown / every)
        if due and self.group.leads and alarm is None and not self.watch.suspicious:
            self._save()
        if tick:
            self.look()
            if self.timetable is not None:
                self.timetable.go_on(training.shown)
        return alarm

    def _agreed(self, alarm: Alarm | None) -> Alarm | None:
        """The first rank's alarm, on every rank."""
        self.group.wait()
        told = self.group.agree(None if alarm is None else f"{alarm.kind}\n{alarm.why}")
        return None if told is None else Alarm(*told.split("\n", 1))

    def _replan(self) -> None:
        """Under a budget of time, move the end of the run to where the time will be up."""
        if self.timetable is not None:
            training = self.training
            training.pace = self.timetable.pace(
                training.pace, training.shown, training.batch_size, self.group
            )

    def _save(self, stopped: bool = False) -> None:
        checkpoint.save(
            self.checkpoints,
            self.training,
            {
                "best": self.best,
                "stopped": stopped,
                "rolled_to": self.rolled_to,
                "time": None if self.timetable is None else self.timetable.record(),
            },
        )
        self.send(False)

    def _recover(self, alarm: Alarm) -> bool:
        """Go back and climb the ladder; false after the last rung."""
        training = self.training
        back = choose(
            alarm,
            self.prepared,
            self.checkpoints,
            self.rolled_to,
            lambda back_to: self._lost(alarm, back_to),
        )
        checkpoint.load_at(self.checkpoints, back.back_to, training)
        self.rolled_to = back.back_to
        training.remedies = back.remedies(training.remedies)
        self.group.wait()
        if self.group.leads:
            say(back.text)
            self.log.append(back.row())
            self.watch = self._watch()
            self._draw()
            self._save(stopped=back.rung is None)
            # Last: a run killed before comes to the same alarm again.
            checkpoint.drop_after(self.checkpoints, back.back_to)
        self.group.wait()
        self._clock = (time.perf_counter(), training.shown)
        self._replan()
        return back.rung is not None

    def _lost(self, alarm: Alarm, back_to: int) -> bool:
        """Whether nothing is left at ``back_to``, as the first rank finds."""
        lost = self.group.leads and is_lost(
            alarm,
            self.log.rows(),
            self.training.pace.target,
            back_to,
            self.best,
            self.judge.score.real,
        )
        return self.group.agree("lost" if lost else None) is not None

    def _tick(self, means: dict[str, float] | None) -> Alarm | None:
        """Score, log and draw; ``means`` is ``None`` for the untrained networks."""
        training = self.training
        now = time.perf_counter()
        if self.timetable is not None:
            self.timetable.pause(training.shown)
        score = self.judge.score.of(training)
        real, classes = self.judge.score.real, self.prepared.data.classes
        row = tick_row(training, means or {}, score, real, classes)
        if means is not None:
            rate = (training.shown - self._clock[1]) / (now - self._clock[0])
            row["images_per_second"] = round(rate, 2)
        if self.timetable is not None:
            row["target"] = training.pace.target
        self.log.append(row)
        alarm = self.watch.look(row, training.progress)
        if means is None or row["score"] is None:
            return alarm
        if now - self._drawn > DRAW_EVERY:
            self._draw()
        save_sheet(score.grid, score.columns, self.out / "samples" / f"{training.shown:012d}.png")
        last_start = training.algorithm.last_start
        last = training.progress > last_start
        if self.best and last != bool(self.best.get("last_phase", True)):
            better = last  # whatever an earlier phase scored, the run is not to end in it
        else:
            better = not self.best or score.frechet < self.best["score"]
        if better and not (self.watch.suspicious and self.best):
            self.best = {
                "score": score.frechet,
                "images": training.shown,
                **({} if score.agreement is None else {"agreement": score.agreement}),
                "diversity": score.diversity,
                **({"last_phase": float(last)} if last_start else {}),
            }
            save_best(
                self.out / "best", self.settings, self.prepared, self.judge, self.best,
                alarms=sum("event" in line for line in self.log.rows()),
            )  # fmt: skip
        say(tick_line(row, (self.training.pace.target - training.shown) / rate))
        self._clock = (time.perf_counter(), training.shown)
        return alarm

    def _draw(self) -> None:
        self._drawn = time.perf_counter()
        draw_curves(self.log.rows(), self.out / "training.png", self.settings.algorithm)

    def _finish(self, stopped: bool) -> None:
        """The best bundle becomes the bundle: copied beside, then renamed.

        Raises:
            SynthgenError: no tick of the run was good.
        """
        self._draw()
        shown = self.training.pace.target
        publish_best(self.out, report_text(self.log.rows(), self.best, shown, stopped), self.best)
        self.send(True)
        if not self.best:
            raise SynthgenError(
                f"{self.out}: the training fell over before it made anything of use; see "
                f"{self.out / 'report.md'}, and lower the learning rate in a new run"
            )
        how = "stopped early" if stopped else "finished"
        say(
            f"{how}: best score {self.best['score']:.4g} at {self.best['images']:,} images shown; "
            f"see {place(str(self.settings.out)) / 'report.md'}"
        )
        if self.timetable is not None:
            say(self.timetable.text())
