"""SearchSpec: a search as the file of `ctcbench tune` describes it, checked before anything runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from ctcbench.config.presets import DEFAULT, read_preset
from ctcbench.config.run_config import COMPONENT_SETTINGS, setting_fields
from ctcbench.contract.errors import UsageError, nearest
from ctcbench.contract.options import show
from ctcbench.files.toml_documents import read_toml_document
from ctcbench.registry.component_registry import Registry
from ctcbench.study.grid import Grid, expand
from ctcbench.study.mixture_check import check_mixtures
from ctcbench.study.search.parameter_reader import ParameterReader
from ctcbench.study.search.search_space import SearchSpace
from ctcbench.study.study_file import StudySpec
from ctcbench.study.study_file_reader import StudyFileReader

Objective = Literal["exact", "cer", "loss"]
TRIALS = 20
_KEYS = (
    "name", "description", "preset", "trials", "objective", "seeds", "search_seed", "budget", "executor",
    "pruning", "base", "space",
)  # fmt: skip
_MOST_COMBINATIONS = 200  # of components, checked before the first trial


@dataclass(frozen=True)
class Pruning:
    """When trials are pruned: asynchronous successive halving (Li et al. 2018).

    Attributes:
        first: share of the training after which a trial may be pruned for the first time; the next
            decisions follow at `reduction` times the share.
        reduction: of so many trials that reach a decision, one continues.
    """

    first: float = 0.1
    reduction: int = 3


@dataclass(frozen=True)
class SearchSpec:
    """Description of a search.

    Attributes:
        preset: preset that every configuration is based on.
        base: settings of every configuration.
        space: the parameters that vary.
        trials: number of configurations to try.
        objective: score of the validation images; ``exact`` is maximised, ``cer`` and ``loss`` minimised.
        seeds: seeds that each configuration is trained with; empty: the seed of the settings.
        search_seed: seed of the sampler.
        budget: duration of each training; None: the numbers of images and epochs of the settings.
        pruning: when trials are pruned; None: never.
        executor: component string of the executor; None: the default.
        path: file that the search was read from.
    """

    name: str
    space: SearchSpace
    preset: str | None = None
    base: Mapping[str, Any] = field(default_factory=dict)
    trials: int = TRIALS
    objective: Objective = "exact"
    seeds: tuple[int, ...] = ()
    search_seed: int = 0
    budget: str | None = None
    pruning: Pruning | None = field(default_factory=Pruning)
    executor: str | None = None
    description: str = ""
    path: Path | None = None

    @property
    def maximise(self) -> bool:
        """Whether a greater objective is better."""
        return self.objective == "exact"

    def study_of(self, settings: Mapping[str, Any]) -> StudySpec:
        """Return one configuration of the search as a study of its seeds."""
        return StudySpec(
            name=self.name,
            preset=self.preset,
            base={**self.base, **settings},
            seeds=self.seeds,
            budget=self.budget,
            max_runs=max(1, len(self.seeds)),
        )

    def identity(self) -> dict[str, Any]:
        """Return what must be the same when the search is resumed, as JSON: else scores can't be compared."""
        return {
            "objective": self.objective,
            "preset": self.preset,
            "base": dict(self.base),
            "space": {parameter.name: parameter.to_json() for parameter in self.space.parameters},
            "seeds": list(self.seeds),
            "search_seed": self.search_seed,
            "budget": self.budget,
            "pruning": vars(self.pruning) if self.pruning else None,
        }


def read_search(registry: Registry, path: Path) -> SearchSpec:
    """Return the search in a TOML file, with every range and choice checked.

    Raises:
        UsageError: the file can't be read, is not TOML, or has a key, a setting, an option or a value that is
            not allowed. The message names the file, and the line if there is one.
    """
    text, document = read_toml_document(path)
    return _Reader(path, text).search(registry, document)


def check_configurations(registry: Registry, spec: SearchSpec) -> Grid:
    """Check the configurations at the lower end of every range, with each combination of components.

    Returns:
        The first of them, with the seeds of the search.

    Raises:
        UsageError: one of them is not allowed.
    """
    grids = [_expand(registry, spec, values) for values in _lowest(spec)]
    return grids[0]


def _lowest(spec: SearchSpec) -> Iterator[dict[str, Any]]:
    """Yield the first values of the parameters with each combination of components, or many of them."""
    chosen = [p for p in spec.space.parameters if p.kind and not p.option]
    combinations = itertools.product(*(p.choices for p in chosen))
    for combination in itertools.islice(combinations, _MOST_COMBINATIONS):
        values = dict(zip((p.name for p in chosen), combination, strict=True))
        for parameter in spec.space.parameters:
            if parameter.name not in values and spec.space.active(parameter, values):
                values[parameter.name] = parameter.choices[0] if parameter.choices else parameter.low
        yield values


def _expand(registry: Registry, spec: SearchSpec, values: Mapping[str, Any]) -> Grid:
    try:
        grid = expand(registry, spec.study_of(spec.space.settings(values)))
        if spec.budget is None:  # a budget chooses the number of images later
            check_mixtures(grid)
        return grid
    except UsageError as error:
        where = f"{spec.path}: " if spec.path else ""
        components = [str(values[p.name]) for p in spec.space.parameters if p.kind and not p.option]
        with_ = f" (with {', '.join(components)})" if components else ""
        raise UsageError(f"{where}{error}{with_}") from None


class _Reader(StudyFileReader):
    """Parser of a file of `ctcbench tune`."""

    def search(self, registry: Registry, document: Mapping[str, Any]) -> SearchSpec:
        self.require_known(document, _KEYS, "base")
        text = self.texts(document, "description", "preset", "executor", "objective")
        objective = next((known for known in get_args(Objective) if known == text["objective"]), None)
        if objective is None and text["objective"] is not None:
            allowed = ", ".join(get_args(Objective))
            raise self.wrong(f"objective {text['objective']!r}: expected one of {allowed}", "objective")
        base = self.base(document, _KEYS, "choices belong under [space]")
        try:
            presets = read_preset(DEFAULT, setting_fields())
            presets |= read_preset(text["preset"] or DEFAULT, setting_fields())
        except UsageError as error:
            raise self.wrong(str(error), "preset") from None
        spec = SearchSpec(
            name=self.name(document),
            description=text["description"] or "",
            preset=text["preset"],
            base=base,
            space=self._space(registry, document, presets, base),
            trials=self.count(document, "trials", TRIALS),
            objective=objective or "exact",
            seeds=self.seeds(document),
            search_seed=self.count(document, "search_seed", 0, least=0),
            budget=self.budget(document),
            pruning=self._pruning(document),
            executor=text["executor"],
            path=self.path,
        )
        check_configurations(registry, spec)
        return spec

    def _pruning(self, document: Mapping[str, Any]) -> Pruning | None:
        given = document.get("pruning", {})
        if isinstance(given, bool):
            return Pruning() if given else None
        if not isinstance(given, dict):
            raise self.wrong("pruning: expected true, false or a table", "pruning")
        for key in given:
            if key not in vars(Pruning()):
                known = ", ".join(vars(Pruning()))
                raise self.wrong(
                    f"pruning: no key {key!r}{nearest(key, vars(Pruning()))} ({known})", "pruning", key
                )
        found = replace(Pruning(), **given)
        if not ((_is_whole(found.first) or isinstance(found.first, float)) and 0 < found.first < 1):
            raise self.wrong(
                f"pruning.first {show(found.first)}: expected a number above 0 and below 1",
                "pruning",
                "first",
            )
        if not (_is_whole(found.reduction) and 2 <= found.reduction <= 100):
            raise self.wrong(
                f"pruning.reduction {show(found.reduction)}: expected a whole number from 2 to 100",
                "pruning",
                "reduction",
            )
        return found

    def _space(
        self,
        registry: Registry,
        document: Mapping[str, Any],
        presets: Mapping[str, Any],
        base: Mapping[str, Any],
    ) -> SearchSpace:
        table = self.typed(document, "space", dict, "a table") or {}
        if not table:
            raise UsageError(
                f"{self.path}: no [space]; give the settings to search, such as "
                f'lr = {{ low = 1e-4, high = 1e-2, log = true }} or head = ["bigru1", "bilstm2"]'
            )
        settings = {**presets, **base}
        reader = ParameterReader(self, registry, settings, base, table)
        # Options last: their component is known then, and so is the extra data set before its share.
        found = sorted(map(reader.read, table), key=lambda p: (bool(p.option), p.name == "extra_share"))
        return SearchSpace(registry, tuple(found), {kind: settings[kind] for kind in COMPONENT_SETTINGS})


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
