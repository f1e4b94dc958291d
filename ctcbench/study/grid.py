"""expand(): the configurations of a study from its axes, rules and seeds; checked, without duplicates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ctcbench.config.budget import CHOSEN_SETTINGS, Budget, make_budget
from ctcbench.config.component_settings import COMPONENT_KINDS, canonical_value
from ctcbench.config.presets import DEFAULT, read_preset
from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import RunConfig, setting_fields
from ctcbench.config.train_key import train_key
from ctcbench.contract.errors import UsageError
from ctcbench.contract.options import show
from ctcbench.contract.word_lists import join_words
from ctcbench.registry.component_registry import Registry
from ctcbench.results.decoder_key import decoder_key
from ctcbench.study.budget_choice import BudgetChoice
from ctcbench.study.scale import scale_config
from ctcbench.study.study_file import StudySpec, Values

# A larger grid is most likely a mistake, and would fill the memory: it is refused before it is expanded.
_LARGEST_GRID = 1_000_000
# Keys of axes and rules that are not settings.
NOT_SETTINGS = ("preset", "name")
Point = dict[str, Any]


@dataclass(frozen=True)
class GridEntry:
    """One configuration of a study.

    Attributes:
        config: its settings, components in their canonical form.
        name: the name that its include rule gives it, or else the preset that it is based on.
        train_key: name of its run folder.
        result_key: name of its result in the run folder.
        budget: the duration of its training, and the number that the study sets; None: no budget.
        digest: with a budget, what seeds of one configuration have in common; its choice of numbers is kept
            under it.
    """

    config: RunConfig
    name: str
    train_key: str
    result_key: str
    budget: Budget | None = None
    digest: str = ""


@dataclass(frozen=True)
class Grid:
    """The configurations of a study in order, and notices for the user.

    With a budget, the numbers of images and epochs are those of presets until `fit_grid` replaces them.
    """

    entries: tuple[GridEntry, ...]
    notices: tuple[str, ...] = ()
    scale: float = 1.0
    choices: Mapping[str, BudgetChoice] = field(default_factory=dict)

    def only(self, words: Sequence[str]) -> Grid:
        """Return the configurations whose name contains one of `words`, ignoring case; all without words.

        Raises:
            UsageError: no name contains one of the words.
        """
        names = list(dict.fromkeys(entry.name for entry in self.entries))
        for word in words:
            if not any(word.lower() in name.lower() for name in names):
                # The configurations of flags are named after their preset: nothing to choose from.
                known = "; ".join(names) if len(names) > 1 else "all have the same name"
                raise UsageError(f"--only {word}: no configuration has this in its name ({known})")
        kept = [e for e in self.entries if any(word.lower() in e.name.lower() for word in words)]
        return replace(self, entries=tuple(kept)) if words else self


def expand(registry: Registry, spec: StudySpec, *, confirmed: bool = False) -> Grid:
    """Return every configuration of a study.

    Raises:
        UsageError: a value is wrong, an exclude rule matches nothing, there are more configurations than
            ``spec.max_runs`` and `confirmed` is false, or two models need different test images in one
            run folder.
    """
    return _Expansion(registry, spec).grid(confirmed)


@dataclass
class _Expansion:
    """The expansion of a study; presets are read once."""

    registry: Registry
    spec: StudySpec
    presets: dict[str, dict[str, Any]] = field(default_factory=dict)

    def grid(self, confirmed: bool) -> Grid:
        try:
            return self._grid(confirmed)
        except UsageError as error:
            raise UsageError(f"{self.spec.path}: {error}" if self.spec.path else str(error)) from None

    def _grid(self, confirmed: bool) -> Grid:
        spec = self.spec
        # A study of include rules alone has no grid (None). Without rules, the grid of no axes is the base
        # itself.
        axes = spec.axes if spec.axes is not None or spec.include else {}
        if spec.budget and spec.scale != 1:
            raise UsageError(
                f"budget {spec.budget} and scale {spec.scale:g}: both decide the length of training; give one"
            )
        if spec.seeds and ("seed" in (axes or {}) or "seed" in spec.base):
            raise UsageError("seeds and seed: give one of them")
        self._config({})  # reports an error of the base without naming an axis
        seeds = {"seed": spec.seeds} if spec.seeds else {}
        grids = [] if axes is None else [self._checked(dict(axes) | seeds, "axes")]
        # A rule with seeds of its own keeps them.
        inclusions = [
            self._checked(dict(rule) | ({} if "seed" in rule else seeds), "include") for rule in spec.include
        ]
        size = sum(math.prod(map(len, grid.values())) for grid in [*grids, *inclusions])
        # Checked before the product is formed; exclude rules can only be counted after it.
        if size > _LARGEST_GRID or (size > spec.max_runs and not spec.exclude and not confirmed):
            raise self._too_many(size)
        points = self._without_excluded([point for grid in grids for point in _points(grid)])
        points += [point for grid in inclusions for point in _points(grid)]
        if len(points) > spec.max_runs and not confirmed:
            raise self._too_many(len(points))
        return self._merged(
            [(self._scaled(point), self._name_of(point), self._budget_of(point)) for point in points]
        )

    def _too_many(self, size: int) -> UsageError:
        return UsageError(
            f"{size:,} configurations, more than --max-runs {self.spec.max_runs}: remove values, or "
            + (f"split the study (at most {_LARGEST_GRID:,})" if size > _LARGEST_GRID else "add --yes")
        )

    def _config(self, point: Mapping[str, Any]) -> RunConfig:
        # The same precedence as for `ctcbench run`, with the axes in place of the flags.
        settings = self._preset(DEFAULT) | self._preset(self._preset_of(point)) | dict(self.spec.base)
        settings |= {name: value for name, value in point.items() if name not in NOT_SETTINGS}
        # A study compares training with and without the extra data set, and the share is that of the former.
        if self.spec.has("extra_dataset") and not settings.get("extra_dataset"):
            settings.pop("extra_share", None)
        return resolve(self.registry, RunConfig(**settings)).config

    def _scaled(self, point: Mapping[str, Any]) -> RunConfig:
        return scale_config(self._config(point), self.spec.scale)

    def _budget_of(self, point: Mapping[str, Any]) -> Budget | None:
        spec = self.spec  # presets have numbers of their own, which are not those of this study
        return make_budget(spec.budget, {*spec.base, *point}, spec.place) if spec.budget else None

    def _name_of(self, point: Mapping[str, Any]) -> str:
        return str(point.get("name") or self._preset_of(point))

    def _preset_of(self, point: Mapping[str, Any]) -> str:
        return point.get("preset", self.spec.preset) or DEFAULT

    def _preset(self, name: Any) -> dict[str, Any]:
        if name not in self.presets:
            self.presets[name] = read_preset(str(name), setting_fields())
        return self.presets[name]

    def _checked(self, axes: dict[str, Values], where: str) -> dict[str, Values]:
        """Return the axes with every value checked and in canonical form."""
        found: dict[str, Values] = {}
        for name, values in axes.items():
            try:
                canonical = [self._canonical(name, value) for value in values]
            except UsageError as error:
                # On the command line, the message names the flag already.
                raise UsageError(f"{where}.{name}: {error}" if self.spec.path else str(error)) from None
            found[name] = tuple(canonical)
        return found

    def _canonical(self, name: str, value: Any) -> Any:
        if name in NOT_SETTINGS:
            if name == "preset":
                self._preset(value)
            return value
        if name in COMPONENT_KINDS:
            return canonical_value(self.registry, name, value)
        # Flags are text. Converted to the setting's type, their values equal those of exclude rules.
        return getattr(RunConfig(**dict(self.spec.base) | {name: value}), name)

    def _without_excluded(self, points: list[Point]) -> list[Point]:
        for number, written in enumerate(self.spec.exclude, start=1):
            rule = self._checked(dict(written), "exclude")
            chosen = {*rule} & {*CHOSEN_SETTINGS} - {*self.spec.base, *(self.spec.axes or {})}
            if chosen and self.spec.budget:
                raise UsageError(f"exclude rule {number}: {join_words(chosen)} will be chosen by the budget")
            kept = [point for point in points if not self._matches(rule, point)]
            # A rule without effect is most likely a mistake, unless a flag has replaced the axis that it
            # refers to.
            if len(kept) == len(points) and not self.spec.flagged - {"budget"}:  # which no rule matches
                conditions = ", ".join(
                    f"{name} = {', '.join(map(show, values))}" for name, values in rule.items()
                )
                raise UsageError(f"exclude rule {number} matches no configuration ({conditions})")
            points = kept
        if not points and not self.spec.include and self.spec.exclude:
            raise UsageError("the exclude rules remove every configuration")
        return points

    def _matches(self, rule: Mapping[str, Values], point: Point) -> bool:
        """Return True if a point of the grid meets every condition of an exclude rule."""
        others = [name for name in rule if name not in point]
        # A whole configuration is slow to build, and only settings that are not axes need it.
        config = self._config(point) if any(name != "preset" for name in others) else None
        for name, values in rule.items():
            if name == "preset":
                value = self._preset_of(point)
            else:
                value = point[name] if name in point else getattr(config, name)
            if value not in values:
                return False
        return True

    def _entry(self, config: RunConfig, name: str, budget: Budget | None) -> GridEntry:
        digest = ""
        if budget:
            budget.require_fitting(config, self.spec.place)
            # Numbers that will be replaced do not distinguish configurations.
            config = config.replace(**{name: RunConfig.model_fields[name].default for name in budget.chosen})
            digest = budget.digest(self.registry, config.replace(seed=0))
        key = train_key(self.registry, config)
        return GridEntry(config, name, key, decoder_key(config.decoder), budget, digest)

    def _merged(self, configs: list[tuple[RunConfig, str, Budget | None]]) -> Grid:
        """Return the grid of the configurations without duplicates."""
        entries: dict[tuple[str, str, str], GridEntry] = {}
        test_sets: dict[tuple[str, str], int] = {}
        duplicates = 0
        for config, name, budget in configs:
            # Two entries of one run folder would train the model twice, or wait for each other's lock.
            entry = self._entry(config, name, budget)
            model = entry.train_key, entry.digest  # the key has no numbers that a budget will choose
            size = test_sets.setdefault(model, config.test_samples)
            if size != config.test_samples:
                raise UsageError(
                    f"--test-samples {size} and {config.test_samples} for the same model: a run folder has "
                    f"one set of test images; use another --out for the second"
                )
            duplicates += entries.setdefault((*model, entry.result_key), entry) is not entry
        same = "1 configuration is" if duplicates == 1 else f"{duplicates} configurations are"
        how = "written differently but " if self.spec.scale == 1 else ""
        notice = f"{same} {how}the same as another, and counted once"
        return Grid(tuple(entries.values()), (notice,) if duplicates else (), self.spec.scale)


def _points(axes: Mapping[str, Values]) -> Iterator[Point]:
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))
