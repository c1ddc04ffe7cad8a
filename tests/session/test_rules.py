"""Rules of pruning: who is left out, which rule says so first, and what is explained then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.circuits.graph import NodeKind
from explorer.circuits.influence import node_influence
from explorer.circuits.pruning import prune
from explorer.circuits.scores import scores
from explorer.session import edits as edit
from explorer.session.edits import Edits
from explorer.session.rules import Rules
from explorer.session.subgraph import subgraph, subgraph_scores
from explorer.session.view import GraphView, HiddenBy, resolve, rule_words
from tests.graphs import random_graph

GRAPH = random_graph(n_features=80, n_edges=900, n_layers=6, n_logits=3, seed=4)
KIND, LAYER = GRAPH.nodes.kind, GRAPH.nodes.layer
ALL = Edits(1.0, 1.0)


def under(rules: Rules, edits: Edits = ALL, density: np.ndarray | None = None) -> GraphView:
    return resolve(GRAPH, edit.set_rules(edits, rules), density=density)


def test_layers_outside_the_range_are_hidden_by_it() -> None:
    view = under(Rules(layers=(1, 3)))
    outside = np.isin(KIND, [NodeKind.FEATURE, NodeKind.ERROR]) & ((LAYER < 1) | (LAYER > 3))
    np.testing.assert_array_equal(view.hidden_by == HiddenBy.LAYER, outside)


def test_kinds_are_hidden_but_outputs_stay() -> None:
    view = under(Rules(kinds=frozenset([int(NodeKind.ERROR), int(NodeKind.LOGIT)])))
    np.testing.assert_array_equal(view.hidden_by == HiddenBy.KIND, KIND == NodeKind.ERROR)
    assert view.shown[KIND == NodeKind.LOGIT].all()


def test_nodes_of_little_influence_are_hidden() -> None:
    view = under(Rules(min_influence=0.01))
    weak = view.influence < 0.01 * view.influence.sum()
    expected = weak & np.isin(KIND, [NodeKind.FEATURE, NodeKind.ERROR])
    np.testing.assert_array_equal(view.hidden_by == HiddenBy.LEAST, expected)


def test_dense_features_are_hidden_and_those_of_unknown_density_are_not() -> None:
    density = np.where(np.arange(len(GRAPH)) % 2 == 0, 0.5, np.nan)
    view = under(Rules(max_density=0.1), density=density)
    np.testing.assert_array_equal(view.hidden_by == HiddenBy.DENSITY, (KIND == NodeKind.FEATURE) & (density > 0.1))
    assert view.idle == ("How often 40 features are active is not known; the rule on density leaves them in.",)


def test_without_densities_the_rule_says_that_it_is_idle() -> None:
    view = under(Rules(max_density=0.1))
    np.testing.assert_array_equal(view.shown, under(Rules()).shown)
    assert view.idle[0].startswith("How often 80 features are active is not known")
    assert under(Rules()).idle == ()


def test_the_first_rule_in_order_is_named_and_every_hidden_node_has_one() -> None:
    rules = Rules(layers=(1, 3), kinds=frozenset([int(NodeKind.ERROR)]), min_influence=0.01)
    view = under(rules, edit.hide(Edits(0.6, 0.9), [GRAPH.key(0)]))
    assert view.hidden_by[0] == HiddenBy.HAND
    assert (view.hidden_by[KIND == NodeKind.ERROR] == HiddenBy.KIND).all()
    assert sum(view.hidden_counts().values()) == (~view.shown).sum()
    assert list(view.hidden_counts()) == sorted(view.hidden_counts())
    np.testing.assert_array_equal(view.shown, view.hidden_by == HiddenBy.NOTHING)


def test_what_only_left_out_nodes_feed_has_no_links_left() -> None:
    view = under(Rules(kinds=frozenset([int(NodeKind.EMBEDDING), int(NodeKind.ERROR)])))
    gone = view.hidden_by == HiddenBy.NO_LINKS
    assert gone[(KIND == NodeKind.FEATURE) & (LAYER == 0)].all()
    assert gone.any()


def test_a_pinned_node_stays_whatever_the_rules() -> None:
    weak = GRAPH.key(3)
    rules = Rules(layers=(20, 30), kinds=frozenset([0]))
    assert not under(rules).shown[3]
    assert under(rules, edit.pin(ALL, [weak])).shown[3]


def test_only_the_targets_of_the_rules_count() -> None:
    last = GRAPH.key(len(GRAPH) - 1)
    view = under(Rules(targets=((last, 0.5),)), Edits())
    weights = np.zeros(len(GRAPH))
    weights[-1] = 0.5
    alone = replace(GRAPH, target_weight=weights)
    np.testing.assert_allclose(view.influence, node_influence(alone))
    np.testing.assert_array_equal(view.pruned.nodes, prune(alone, 0.8, 0.98).nodes)
    assert [box.rows for box in subgraph(view).boxes] == [(len(GRAPH) - 1,)]


def test_targets_that_the_graph_does_not_have_are_told() -> None:
    gone = GRAPH.key(len(GRAPH) - 1)._replace(feature=12345)
    view = under(Rules(targets=((gone, 1.0),)))
    assert view.aimed is GRAPH
    assert view.idle == ("The graph has none of the targets that the rules name; its own count.",)
    both = under(Rules(targets=((gone, 1.0), (GRAPH.key(len(GRAPH) - 1), 1.0))))
    assert both.idle == ("The graph does not have 1 of the 2 targets that the rules name.",)


def test_scores_are_those_of_what_is_shown() -> None:
    everything = under(Rules(), edit.pin(ALL, [GRAPH.key(row) for row in range(len(GRAPH))]))
    assert everything.scores() == scores(GRAPH)
    strict = under(Rules(), Edits(0.3, 0.9)).scores()
    assert strict.replacement < everything.scores().replacement
    assert strict.completeness_paper < everything.scores().completeness_paper


def test_scores_of_the_subgraph_count_all_that_is_not_in_a_box_as_error() -> None:
    features = [GRAPH.key(row) for row in range(80)]
    few, all_of_them = (under(Rules(), edit.group(ALL, keys, "x")) for keys in (features[:9], features))
    whole = subgraph_scores(all_of_them, subgraph(all_of_them))
    assert vars(whole) == pytest.approx(vars(scores(GRAPH)))
    assert subgraph_scores(few, subgraph(few)).replacement < whole.replacement


def test_a_view_taken_over_from_another_is_the_same() -> None:
    rng = np.random.default_rng(0)
    density = rng.random(len(GRAPH))
    old = under(Rules(), Edits())
    rules = Rules(layers=(0, 4), max_density=0.9, targets=((GRAPH.key(len(GRAPH) - 1), 1.0),))
    for edits in (edit.set_rules(Edits(), rules), edit.set_rules(Edits(0.6), rules), Edits(0.6)):
        new, fresh = resolve(GRAPH, edits, old, density), resolve(GRAPH, edits, None, density)
        np.testing.assert_array_equal(new.hidden_by, fresh.hidden_by)
        np.testing.assert_array_equal(new.effect, fresh.effect)
        np.testing.assert_array_equal(new.links, fresh.links)
        old = new


def test_every_rule_that_hides_has_words() -> None:
    edits = edit.set_rules(Edits(0.8, 0.9), Rules(layers=(1, 3), max_density=0.1, min_influence=0.0025))
    words = [rule_words(edits, rule) for rule in HiddenBy if rule != HiddenBy.NOTHING]
    assert words == [
        "by hand",
        "of a kind that is left out",
        "outside layers 1 to 3",
        "active on more than 10 % of tokens",
        "under 0.25 % of influence",
        "beyond 80 % of influence",
        "no links left",
    ]
