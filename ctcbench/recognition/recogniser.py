"""Recogniser: a trained network with its decoder, which reads pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import BadSample
from ctcbench.contract.specs import Ground, ImageSpec
from ctcbench.evaluation.familiarity import Familiarity
from ctcbench.files.pictures import Fit, PreparedPicture, read_picture
from ctcbench.pipeline.built_decoder import BuiltDecoder
from ctcbench.recognition.chosen_decoder import build_chosen_decoder, build_own_decoder
from ctcbench.recognition.crop_interpretation import read_crops
from ctcbench.recognition.interpretation import Interpretation, require_supported
from ctcbench.recognition.picture_list import list_pictures, require_pictures, require_readable
from ctcbench.recognition.picture_log_probs import read_log_probs
from ctcbench.recognition.prediction import Prediction
from ctcbench.recognition.prediction_stream import predict_pictures
from ctcbench.recognition.reader import Reader
from ctcbench.registry.component_registry import Registry
from ctcbench.training.progress_events import ProgressListener

if TYPE_CHECKING:
    from ctcbench.recognition.recogniser_score import RecogniserScore


@dataclass(frozen=True)
class Recogniser:
    """A trained recogniser and its decoder; `load` returns one.

    Attributes:
        reader: the network.
        registry: where decoders come from.
        decoder: component string of the decoder.
        decoder_files: files of the decoder, such as a list of words, by digest.
        fit: how pictures are resized to the image size of the network, as the training images were.
        sharpness: exponent of the probabilities of each frame, the inverse of a temperature, that calibrates
            confidences; 1 while the run is not finished.
        familiarity: the statistics of the training images, with which pictures are compared; None while the
            run is not finished, and in runs of earlier versions.
        ground: what transparent pixels become; None: as in the training.
        origin: path of the run folder or of the ONNX file, which errors of its decoder name.
    """

    reader: Reader = field(repr=False)
    registry: Registry = field(repr=False)
    decoder: str
    fit: Fit
    sharpness: float = 1.0
    familiarity: Familiarity | None = field(default=None, repr=False)
    decoder_files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    ground: Ground | None = None
    origin: str = "this recogniser"

    @property
    def image(self) -> ImageSpec:
        """Size of the images, with the crop and the ground of pictures."""
        return dataclasses.replace(self.reader.image, ground=self.ground or self.reader.image.ground)

    @property
    def _read_image(self) -> ImageSpec:
        """The size of the images that are read, which may be wider than those of the training."""
        return dataclasses.replace(self.image, width=self.reader.widest)

    def prepare(self, picture: Any) -> PreparedPicture:
        """Return a picture as the network takes it, which `predict` and `log_probs` accept as well.

        Raises:
            BadSample: the picture can't be read; the message is the reason, without its name.
        """
        return read_picture(picture, self._read_image, self.fit)

    def log_probs(self, images: Iterable[Any]) -> LogProbs:
        """Return the natural log-probabilities of N pictures, float32 (N, T, K): T frames, K classes.

        Class 0 is the blank.

        Args:
            images: pictures of any size: paths, bytes of files, files that are open in binary mode, PIL
                images of any mode, arrays (H, W) or (H, W, C), or samples that `prepare` returned.
                `read_picture` describes how levels of other types than uint8 are scaled.

        Raises:
            BadSample: a picture can't be read; the message names its path or its index.
            UsageError: `images` is not a list of pictures.
        """
        return read_log_probs(list_pictures(images), self.reader, self._read_image, self.fit)

    def predict(
        self,
        images: Iterable[Any],
        *,
        decoder: str | None = None,
        n_best: int = 0,
        positions: bool = False,
        crops: Sequence[float] | None = None,
    ) -> list[Prediction]:
        """Return the texts of pictures, in their order.

        Args:
            images: paths, bytes, open files, PIL images, arrays or samples, as for `log_probs`.
            decoder: a component string; None: the decoder of the run.
            n_best: number of texts that `Prediction.alternatives` has, the best by the score of the decoder;
                the most probable ones by prefix beam search if it has only one.
            positions: whether `Prediction.characters` has the characters with their places in the picture.
            crops: shares of the rows that are cut off at the top, and at the bottom. Each picture is read
                once for each, and the text chosen by all readings (`CropInterpretation`). None: the share of
                the recogniser's images.

        Raises:
            BadSample: a picture can't be read; the message names its path or its index.
            UsageError: as `predict_each`.
        """
        images = list_pictures(images)
        outcomes = self.predict_each(images, decoder=decoder, n_best=n_best, positions=positions, crops=crops)
        return [
            require_readable(index, image, outcome)
            for index, (image, outcome) in enumerate(zip(images, outcomes, strict=True))
        ]

    def predict_each(
        self,
        images: Iterable[Any],
        *,
        decoder: str | None = None,
        n_best: int = 0,
        positions: bool = False,
        crops: Sequence[float] | None = None,
    ) -> Iterator[Prediction | BadSample]:
        """Yield the prediction of each picture, or the BadSample that is why it can't be read, in order.

        Several threads decode and read the pictures in groups. A few hundred of them are in memory at a time,
        so `images` can be a generator of any length; it is read a few groups ahead.

        Args:
            images: as for `predict`.
            decoder: as for `predict`.
            n_best: as for `predict`.
            positions: as for `predict`.
            crops: as for `predict`.

        Raises:
            UsageError: `images` is not an iterable of pictures; the decoder does not exist, an option of it
                is wrong, or it does not fit the recogniser; `n_best` is negative; the recogniser does not
                align characters with columns of the picture, so that it has no positions, or was trained
                without CTC, so that it has no alternatives and can't join several readings; or `crops` are
                no different shares from 0 to 0.45.
        """
        require_pictures(images)
        require_supported(self.reader, n_best, positions=positions)
        chosen_crops = self._crops(crops)
        _, built = self._built_decoder(decoder)
        interpretation = Interpretation(
            self.reader, built, self.sharpness, self.familiarity, n_best, positions
        )
        return predict_pictures(images, interpretation, self._read_image, self.fit, chosen_crops)

    def evaluate(
        self,
        dataset: str,
        *,
        split: str = "test",
        samples: int | None = None,
        decoder: str | None = None,
        crops: Sequence[float] | None = None,
        skip_bad: bool = False,
        listener: ProgressListener | None = None,
    ) -> RecogniserScore:
        """Return how well the recogniser reads the labelled pictures of a data set.

        Pictures are scaled as `predict` scales them, whatever the options of the data set. Images that a data
        set draws must have the size of the recogniser's. A label with characters that the alphabet lacks
        counts as an error.

        Args:
            dataset: a component string, as ``folder:path=mine``.
            split: ``train``, ``val``, ``test`` or ``all``.
            samples: number of pictures, the first of the split; None for all. An endless data set needs it.
            decoder: as for `predict`.
            crops: as for `predict`; images that a data set draws have no other crop than the recogniser's.
            skip_bad: whether pictures without a label, or that can't be read, are left out; by default they
                are an error.
            listener: receives notices and the progress; None: they are dropped.

        Raises:
            UsageError: there is no such data set, decoder or split; an option of the data set contradicts the
                recogniser; its images have another size; or pictures can't be used, and `skip_bad` is False.
            PluginError: the data set or the decoder failed.
        """
        # Reading needs fewer packages than scoring.
        from ctcbench.recognition.input_spec import InputSpec
        from ctcbench.recognition.labelled_pictures import open_pictures
        from ctcbench.recognition.recogniser_score import score_pictures

        listener = listener or ProgressListener()
        chosen_crops = self._crops(crops)
        chosen, built = self._built_decoder(decoder)
        wanted = InputSpec(self.image, self.fit, self.reader.alphabet, chosen_crops)
        pictures = open_pictures(
            self.registry,
            dataset,
            wanted,
            split=split,
            samples=samples,
            skip_bad=skip_bad,
            listener=listener,
        )
        # Not composed, as runs score texts: an alphabet may have letters and marks as separate characters.
        interpretation = Interpretation(
            self.reader, built, self.sharpness, self.familiarity, n_best=0, positions=False, composed=False
        )
        image = self._read_image
        return score_pictures(
            lambda contents: predict_pictures(contents, interpretation, image, self.fit, chosen_crops),
            pictures,
            split=split,
            decoder=chosen,
            crops=chosen_crops,
            skip_bad=skip_bad,
            listener=listener,
        )

    def _crops(self, crops: Sequence[float] | None) -> tuple[float, ...]:
        """Return the crops at which pictures are read; none: that of the recogniser's images."""
        found = () if crops is None else read_crops(crops)
        require_supported(self.reader, 0, positions=False, crops=len(found))
        return () if found == (self.reader.image.crop,) else found

    def _built_decoder(self, decoder: str | None) -> tuple[str, BuiltDecoder]:
        """Return the component string of a decoder, None for that of the run, and the decoder."""
        if decoder:
            return build_chosen_decoder(self.registry, self.reader, decoder)
        return build_own_decoder(self.registry, self.reader, self.decoder, self.decoder_files, self.origin)
