from __future__ import annotations

import pytest
import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint
from sample_models.training.us_cities import corpus as corpus_module
from sample_models.training.us_cities.corpus import LANGUAGE_MIX, RELATIONS, Corpus, corpus, splits, two_hop
from sample_models.training.us_cities.facts import PLACES, STATES
from sample_models.training.us_cities.language_model import N_ROW, new_model, repeats, rows
from sample_models.training.us_cities.replacement import Edit, edited, encode, record, replaced
from sample_models.training.us_cities.transcoders import collect
from sample_models.training.us_cities.vocabulary import build


@pytest.fixture(scope="module")
def sentences() -> Corpus:
    return corpus()


@pytest.fixture(scope="module")
def tokenizer(sentences: Corpus) -> Tokenizer:
    return build(sentences.train)


@pytest.fixture(scope="module")
def model(tokenizer: Tokenizer) -> LlamaForCausalLM:
    return new_model(tokenizer.get_vocab_size(), 0).eval().requires_grad_(False)


def transcoders(n_targets: tuple[int, ...]) -> TranscoderSet:
    generator = torch.Generator().manual_seed(4)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * 0.1

    layers = tuple(
        Transcoder(draw(8, 128), draw(8), draw(8, n, 128), draw(128), Activation("jumprelu", torch.tensor(0.05)))
        for n in n_targets
    )
    return TranscoderSet(layers, ReadPoint.MLP_IN, WritePoint.MLP_OUT)


def test_the_table_has_every_state_and_each_place_once() -> None:
    assert len(STATES) == 50
    assert len(PLACES) == sum(len(state.places) for state in STATES) == 306
    assert not set(PLACES) & {state.name for state in STATES}
    assert len({state.abbreviation for state in STATES}) == 50
    regions = [state.region for state in STATES]
    assert {name: regions.count(name) for name in regions} == {
        "South": 16, "West": 13, "Midwest": 12, "Northeast": 9,
    }  # fmt: skip


def test_held_out_cities_are_in_no_two_hop_training_sentence(sentences: Corpus) -> None:
    split = splits()
    assert (split.held_out["Texas"], split.withheld["Texas"]) == ("Dallas", "San Antonio")
    trained = {s.prompt for s in sentences.train if s.family == "two-hop"}
    for state in STATES:
        for relation in RELATIONS:
            held_out = {s.prompt for s in two_hop(relation, split.held_out[state.name])}
            withheld = {s.prompt for s in two_hop(relation, split.withheld[state.name])}
            assert not held_out & trained
            assert withheld & trained == (set() if relation == "capital" else withheld)


def test_tests_and_training_share_no_sentence_but_the_one_hop_ones(sentences: Corpus) -> None:
    trained = {s.prompt for s in sentences.train}
    for name, tests in sentences.tests.items():
        assert all((s.prompt in trained) == (name == "one-hop state") for s in tests)


def test_the_corpus_is_the_same_at_every_call(sentences: Corpus) -> None:
    assert corpus() == sentences


def test_invented_names_are_spelled_letter_by_letter(tokenizer: Tokenizer) -> None:
    for names in corpus_module._invented():
        for name in names:
            assert tokenizer.encode(name, add_special_tokens=False).tokens == [
                name[0], *(f"##{letter}" for letter in name[1:]),
            ]  # fmt: skip


def test_the_dallas_prompt_has_eleven_tokens(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode("Fact: the capital of the state containing Dallas is").tokens
    assert len(tokens) == 11
    assert tokens[-2:] == ["Dallas", "is"]


def test_the_answer_carries_the_whole_loss_weight(sentences: Corpus, tokenizer: Tokenizer) -> None:
    table = rows(tokenizer, sentences.train[:40], {"one-hop": 1.0})
    at = table.loss_weight.argmax(1)
    assert table.loss_weight.max() == 1.0
    answers = [tokenizer.token_to_id(s.answer) for s in sentences.train[:40] for _ in range(2)]
    assert table.ids[torch.arange(len(at)), at].tolist() == answers
    assert float(table.mass.sum()) == pytest.approx(1.0)


def test_the_masses_of_the_families_are_the_mix(sentences: Corpus, tokenizer: Tokenizer) -> None:
    mix = {family: mass for family, mass in LANGUAGE_MIX.items() if family != "repeats"}
    assert float(rows(tokenizer, sentences.train, mix).mass.sum()) == pytest.approx(sum(mix.values()), rel=1e-4)


def test_repeats_cycle_and_the_first_cycle_is_free() -> None:
    ids, weight = repeats(20, 300, torch.Generator().manual_seed(0))
    for row, counted in zip(ids.tolist(), weight.tolist(), strict=True):
        period = counted.index(1.0) - 1
        assert 3 <= period <= 7
        assert row[1 + period : 18] == row[1 : 18 - period]
        assert row[18:] == [0] * (N_ROW - 18)


def test_contexts_are_the_distinct_beginnings(model: LlamaForCausalLM, sentences: Corpus, tokenizer: Tokenizer) -> None:
    table = rows(tokenizer, sentences.train[:30], {"one-hop": 1.0})
    contexts = collect(model, table)
    beginnings = {tuple(row[:end]) for row in table.ids.tolist() for end in range(2, 1 + N_ROW - row.count(0))}
    assert contexts.inputs.shape == (3, len(beginnings), 128)
    first = table.ids[0]
    torch.testing.assert_close(contexts.inputs[:, 0], record(model, first[None, :2]).inputs[:, 0, 1])


@pytest.mark.parametrize("n_targets", [(1, 1, 1), (3, 2, 1)])
def test_replaced_mlps_write_what_the_transcoders_say_except_at_position_0(
    model: LlamaForCausalLM, n_targets: tuple[int, ...]
) -> None:
    ids = torch.tensor([[1, 300, 301, 302]])
    held = transcoders(n_targets)
    got = replaced(model, held, ids)
    expected = held.layers[2].b_dec.expand(4, -1).clone()
    for source, layer in enumerate(held.layers):
        if source + layer.n_targets > 2:
            expected += encode(layer, got.inputs[source, 0]) @ layer.W_dec[:, 2 - source]
    torch.testing.assert_close(got.outputs[2, 0, 1:], expected[1:])
    torch.testing.assert_close(got.outputs[:, 0, 0], record(model, ids).outputs[:, 0, 0])


@pytest.mark.parametrize("n_targets", [(1, 1, 1), (3, 2, 1)])
def test_an_edit_that_holds_nothing_changes_nothing(model: LlamaForCausalLM, n_targets: tuple[int, ...]) -> None:
    ids = torch.tensor([[1, 300, 301, 302]])
    nothing = [Edit(torch.zeros(1, 8, dtype=torch.bool), torch.ones(1, 8))] * 3
    torch.testing.assert_close(edited(model, transcoders(n_targets), ids, nothing), record(model, ids).logits[:, -1])


def test_a_held_feature_adds_its_change_times_its_decoder(model: LlamaForCausalLM) -> None:
    ids = torch.tensor([[1, 300, 301, 302]])
    held = transcoders((1, 1, 1))
    which = torch.zeros(1, 8, dtype=torch.bool)
    which[0, 3] = True
    nothing = Edit(torch.zeros(1, 8, dtype=torch.bool), torch.zeros(1, 8))
    got = edited(model, held, ids, [nothing, nothing, Edit(which, torch.full((1, 8), 2.0))])
    plain = record(model, ids)
    change = 2.0 - encode(held.layers[2], plain.inputs[2, 0, -1])[3]
    resid: list[torch.Tensor] = []
    hook = model.model.norm.register_forward_pre_hook(lambda _module, read: resid.append(read[0]))
    model(input_ids=ids)
    hook.remove()
    moved = resid[0][:, -1] + change * held.layers[2].W_dec[3, 0]
    torch.testing.assert_close(got, model.lm_head(model.model.norm(moved)))
