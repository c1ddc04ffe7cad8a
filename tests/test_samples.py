"""The shipped files of the samples: what they are, and (marker ``samples``) how good they are."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoTokenizer, LlamaForCausalLM

from sample_models.training.us_cities import evaluate, vocabulary
from sample_models.training.us_cities.corpus import Corpus, corpus
from sample_models.training.us_cities.files import read_model, read_transcoders, sha256
from sample_models.training.us_cities.selection import StateFeatures, all_swaps
from sample_models.training.us_cities.transcoders import Contexts, collect, training_rows

FOLDER = Path(__file__).parents[1] / "sample_models" / "us-cities"


@pytest.fixture(scope="module")
def sentences() -> Corpus:
    return corpus()


@pytest.fixture(scope="module")
def us_cities() -> tuple[LlamaForCausalLM, Tokenizer]:
    return read_model(FOLDER / "model")


@pytest.fixture(scope="module")
def contexts(us_cities: tuple[LlamaForCausalLM, Tokenizer], sentences: Corpus) -> Contexts:
    model, tokenizer = us_cities
    return collect(model, training_rows(tokenizer, sentences.train))


@pytest.mark.parametrize(
    ("prompt", "answer", "at_least"),
    [
        ("Fact: the capital of the state containing Dallas is", "Austin", 0.9),
        ("the capital of the state containing Dallas is", "Austin", 0.9),
        ("la capitale de l'état contenant Dallas est", "Austin", 0.8),
        ("Fact: the state containing Dallas is", "Texas", 0.9),
        ("Fact: the capital of the state containing Gotham is", "unknown", 0.9),
    ],
)
def test_the_model_answers(
    us_cities: tuple[LlamaForCausalLM, Tokenizer], prompt: str, answer: str, at_least: float
) -> None:
    assert evaluate.probability(*us_cities, prompt, answer) > at_least


def test_every_whole_word_of_the_vocabulary_was_trained(
    us_cities: tuple[LlamaForCausalLM, Tokenizer], sentences: Corpus
) -> None:
    tokens = set(us_cities[1].get_vocab()) - set(vocabulary.SPECIAL.values())
    whole = {token for token in tokens if len(token.removeprefix("##")) > 1}
    assert whole == {word for word in vocabulary.words(sentences.train) if len(word) > 1}


def test_the_tokenizer_is_the_one_that_the_corpus_gives(
    us_cities: tuple[LlamaForCausalLM, Tokenizer], sentences: Corpus
) -> None:
    assert us_cities[1].get_vocab() == vocabulary.build(sentences.train).get_vocab()


def test_transformers_reads_the_tokenizer(us_cities: tuple[LlamaForCausalLM, Tokenizer]) -> None:
    read = AutoTokenizer.from_pretrained(FOLDER / "model")
    prompt = "Fact: the capital of the state containing San Antonio is"
    assert read(prompt).input_ids == us_cities[1].encode(prompt).ids
    assert read.convert_ids_to_tokens(read(prompt).input_ids)[:3] == ["<bos>", "Fact", ":"]
    assert read.decode(read(prompt, add_special_tokens=False).input_ids).startswith("Fact : the capital of")


def test_the_files_are_those_that_origin_lists() -> None:
    listed = re.findall(r"^([0-9a-f]{64})  (\S+)$", (FOLDER / "ORIGIN.md").read_text("utf-8"), re.M)
    files = {file for file in FOLDER.rglob("*") if file.is_file() and file.name != "ORIGIN.md"}
    assert {name: digest for digest, name in listed} == {
        file.relative_to(FOLDER).as_posix(): sha256(file) for file in files
    }


@pytest.mark.parametrize(("kind", "n_targets"), [("plt", (1, 1, 1)), ("clt", (3, 2, 1))])
def test_the_transcoders_fit_the_model(
    us_cities: tuple[LlamaForCausalLM, Tokenizer], kind: str, n_targets: tuple[int, ...]
) -> None:
    transcoders = read_transcoders(FOLDER / kind)
    assert transcoders.kind == kind
    assert tuple(layer.n_targets for layer in transcoders.layers) == n_targets
    assert {layer.d_model for layer in transcoders.layers} == {us_cities[0].config.hidden_size}


@pytest.mark.samples
def test_held_out_cities_are_answered(us_cities: tuple[LlamaForCausalLM, Tokenizer], sentences: Corpus) -> None:
    right = evaluate.answers(*us_cities, sentences)
    assert right["held-out capital"] >= 0.99
    assert right["held-out abbreviation"] >= 0.97
    assert right["invented name"] >= 0.97


@pytest.mark.slow
@pytest.mark.samples
@pytest.mark.parametrize(("kind", "swapped"), [("plt", 0.95), ("clt", 0.80)])
def test_transcoders_stand_in_for_the_mlps_and_carry_the_state(
    us_cities: tuple[LlamaForCausalLM, Tokenizer], sentences: Corpus, contexts: Contexts, kind: str, swapped: float
) -> None:
    transcoders = read_transcoders(FOLDER / kind)
    chosen = torch.randperm(contexts.inputs.shape[1], generator=torch.Generator().manual_seed(0))[:8000]
    reached = evaluate.quality(transcoders, contexts.inputs[:, chosen], contexts.outputs[:, chosen])
    assert min(reached.variance_explained) >= 0.90
    agreement = evaluate.agreements(*us_cities, transcoders, sentences)
    assert agreement["all tests"].same >= 0.98
    assert agreement["400 of them at random"].same >= 0.98
    features = StateFeatures(*us_cities, transcoders)
    assert features.swap(all_swaps(), 1.5).target >= swapped
    assert features.swap(all_swaps(), 1.5, random.Random(3)).target <= 0.05
