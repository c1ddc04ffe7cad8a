"""Actions: everything the window can be told, in one table from which menus, shortcuts and the palette are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explorer.circuits.graph import NodeKind
from explorer.session import edits as edit
from explorer.session.interventions import Kind
from explorer.ui import intervene_actions as dock
from explorer.ui.canvas import walk
from explorer.ui.grouping import current_group, ungroup
from explorer.ui.panels.links_drawn import draw_more

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

Run = Callable[["MainWindow"], object]
Test = Callable[["MainWindow"], bool]
ZOOM = 1.25
MENUS = ("File", "Edit", "View", "Graph", "Intervene", "Model", "Help")


def always(window: MainWindow) -> bool:
    return True


@dataclass(frozen=True)
class Action:
    """One row. ``single`` keys act only while the canvas (which knows them itself) or a table has the focus.

    ``named`` gives the text where it depends on the document, ``checked`` makes it a switch, ``group`` begins a new
    group of the menu. A row without a menu has only its key.
    """

    id: str
    text: str
    menu: str
    run: Run
    shortcut: str = ""
    enabled: Test = always
    single: bool = False
    group: bool = False
    named: Callable[[MainWindow], str] | None = None
    checked: Test | None = None


# when an action can be taken


def has_graph(window: MainWindow) -> bool:
    return window.document.graph is not None


def lacks_neurons(window: MainWindow) -> bool:
    return window.document.model is not None and not window.document.model.has_neurons


def has_whole_graph(window: MainWindow) -> bool:
    return has_graph(window) and not window.document.is_partial


def has_current(window: MainWindow) -> bool:
    return window.document.current is not None


def can_edit(window: MainWindow) -> bool:
    return has_current(window) and not window.document.is_partial


def has_model(window: MainWindow) -> bool:
    return window.document.model is not None


def can_undo(window: MainWindow) -> bool:
    return bool(window.document.history.past) and not window.document.is_partial


def can_redo(window: MainWindow) -> bool:
    return bool(window.document.history.future) and not window.document.is_partial


def can_run(window: MainWindow) -> bool:
    return window.prompt.can_run


def is_running(window: MainWindow) -> bool:
    return bool(window.job)


def is_open(window: MainWindow) -> bool:
    return window.in_workspace


def has_hidden(window: MainWindow) -> bool:
    return bool(window.document.edits.hidden) and not window.document.is_partial


def has_labels(window: MainWindow) -> bool:
    """Whether a feature has a label of its own."""
    return has_whole_graph(window) and any(key.kind == NodeKind.FEATURE for key in window.document.edits.labels)


def can_ungroup(window: MainWindow) -> bool:
    return can_edit(window) and current_group(window.document) is not None


# what they do


def undo_text(window: MainWindow) -> str:
    return f"Undo {window.document.history.undo_text}".rstrip()


def redo_text(window: MainWindow) -> str:
    return f"Redo {window.document.history.redo_text}".rstrip()


def pin(window: MainWindow) -> None:
    """Pin what is selected; if all of it is pinned, unpin it."""
    document = window.document
    graph = document.graph
    assert graph is not None
    keys = [graph.key(node) for node in document.selection]
    if all(key in document.edits.pinned for key in keys):
        document.do(_several("unpin", keys), edit.unpin(document.edits, keys))
    else:
        document.do(_several("pin", keys), edit.pin(document.edits, keys))


def hide(window: MainWindow) -> None:
    document = window.document
    graph = document.graph
    assert graph is not None
    keys = [graph.key(node) for node in document.selection]
    document.do(_several("hide", keys), edit.hide(document.edits, keys))


def show_all(window: MainWindow) -> None:
    window.document.do("show all nodes", edit.show_all(window.document.edits))


def count_bias(window: MainWindow) -> None:
    edits = window.document.edits
    text = "leave bias nodes out" if edits.count_bias else "count bias nodes"
    window.document.do(text, edit.count_bias(edits, not edits.count_bias))


def counts_bias(window: MainWindow) -> bool:
    return window.document.edits.count_bias


def copy_figure(window: MainWindow) -> None:
    window.files.pictures.copy()


def toggle_overview(window: MainWindow) -> None:
    """Show the whole graph in the canvas's corner, or do not, now and at the next start."""
    window.change_settings(replace(window.settings, overview=not window.settings.overview))
    window.canvas.overview.set_wanted(window.settings.overview)


def group(window: MainWindow) -> None:
    window.workspace.group()


def propose(window: MainWindow) -> None:
    window.asides.show_proposals()


def strongest_input(window: MainWindow) -> None:
    view, node = window.document.view, window.document.current
    if view is not None and node is not None and (other := walk.strongest_input(view, node)) is not None:
        window.canvas.walk_to(other)


def strongest_output(window: MainWindow) -> None:
    view, node = window.document.view, window.document.current
    if view is not None and node is not None and (other := walk.strongest_output(view, node)) is not None:
        window.canvas.walk_to(other)


def validate(window: MainWindow) -> None:
    from explorer.ui.validation_window import ValidationWindow  # only when asked for: a window opens faster without

    window.dialogs.show_one(ValidationWindow)


def lens(window: MainWindow) -> None:
    from explorer.ui.lens_window import LensWindow  # only when asked for: a window opens faster without

    window.dialogs.show_one(LensWindow)


def leave(window: MainWindow) -> None:
    window.close()


def write_note(window: MainWindow) -> None:
    """Put the cursor into the note of what is selected, or of the document."""
    if not window.places.wanted["inspector"]:
        window.toggle("inspector")
    window.inspector.edit_note()


def note_document(window: MainWindow) -> None:
    window.document.select(())
    write_note(window)


def escape(window: MainWindow) -> None:
    """Take the notice away, then the selection, then ask to cancel the job."""
    if window.banner.present is not None:
        window.banner.dismiss()
    elif window.document.selection:
        window.document.select([])
    elif window.job:
        window.ask_to_cancel()


def _several(verb: str, keys: list[object] | list[edit.NodeKey]) -> str:
    return f"{verb} a node" if len(keys) == 1 else f"{verb} nodes"


def _ask(kind: Kind) -> Run:
    """Asks for a thing of ``kind`` that no node stands for."""
    return lambda window: window.intervene.rows.ask_for(kind)


ACTIONS = (
    Action("open_model", "Open a model…", "File", lambda w: w.files.ask_model(), "Ctrl+O"),
    Action("open_document", "Open a graph or document…", "File", lambda w: w.files.ask_document(), "Ctrl+Shift+O"),
    Action("save", "Save", "File", lambda w: w.files.save(), "Ctrl+S", has_whole_graph, group=True),
    Action("save_copy", "Save a copy…", "File", lambda w: w.files.save_copy(), "Ctrl+Shift+S", has_whole_graph),
    Action("export", "Export a figure…", "File", lambda w: w.files.export(), "Ctrl+E", has_whole_graph),
    Action("export_data", "Export the graph…", "File", lambda w: w.files.export_data(), "", has_whole_graph),
    Action("export_labels", "Add labels to a library…", "File", lambda w: w.files.export_labels(), "", has_labels),
    Action("import_labels", "Import labels…", "File", lambda w: w.files.import_labels(), "", has_whole_graph),
    Action("close", "Close the document", "File", lambda w: w.close_document(), "Ctrl+W", is_open, group=True),
    Action("quit", "Quit", "File", leave, "Ctrl+Q"),
    Action("undo", "Undo", "Edit", lambda w: w.document.undo(), "Ctrl+Z", can_undo, named=undo_text),
    Action("redo", "Redo", "Edit", lambda w: w.document.redo(), "Ctrl+Shift+Z", can_redo, named=redo_text),
    Action("copy_figure", "Copy the figure", "Edit", copy_figure, "Ctrl+Shift+C", has_whole_graph),
    Action("rename", "Label the node", "Edit", lambda w: w.edit_label(), "F2", can_edit, group=True),
    Action("label", "Label", "", lambda w: w.edit_label(), "L", can_edit, single=True),
    Action("note", "Write a note", "Edit", write_note, "N", has_whole_graph, single=True),
    Action("note_document", "Write a note on the document", "Edit", note_document, "", has_whole_graph),
    Action("pin", "Pin or unpin", "Edit", pin, "Space", can_edit, single=True),
    Action("hide", "Hide the node", "Edit", hide, "H", can_edit, single=True),
    Action("group", "Group the selection", "Edit", group, "G", can_edit, single=True),
    Action("ungroup", "Ungroup", "Edit", lambda w: ungroup(w.document), "Shift+G", can_ungroup, single=True),
    Action("propose", "Propose groups…", "Edit", propose, "Shift+P", has_whole_graph, single=True),
    Action("show_all", "Show all nodes hidden by hand", "Edit", show_all, "Shift+H", has_hidden, single=True),
    Action("escape", "Clear the selection", "Edit", escape, "Escape"),
    Action("preferences", "Preferences…", "Edit", lambda w: w.dialogs.preferences(), "Ctrl+,", group=True),
    Action("palette", "Do anything…", "View", lambda w: w.dialogs.palette(), "Ctrl+K"),
    Action("nodes", "Nodes", "View", lambda w: w.go_to("nodes"), "Ctrl+1", is_open, group=True),
    Action("canvas", "Graph", "View", lambda w: w.go_to("canvas"), "Ctrl+2", is_open),
    Action("next_page", "Graph, subgraph", "View", lambda w: w.workspace.turn(), "Ctrl+Tab", is_open),
    Action("intervene", "Intervene", "View", lambda w: w.go_to("intervene"), "Ctrl+3", is_open),
    Action("inspector", "Inspector", "View", lambda w: w.go_to("inspector"), "Ctrl+4", is_open),
    Action(
        "toggle_nodes",
        "Show the nodes",
        "View",
        lambda w: w.toggle("nodes"),
        enabled=is_open,
        group=True,
        checked=lambda w: w.places.wanted["nodes"],
    ),
    Action(
        "toggle_inspector",
        "Show the inspector",
        "View",
        lambda w: w.toggle("inspector"),
        enabled=is_open,
        checked=lambda w: w.places.wanted["inspector"],
    ),
    Action(
        "toggle_intervene",
        "Show the interventions",
        "View",
        lambda w: w.toggle("intervene"),
        enabled=is_open,
        checked=lambda w: w.places.wanted["intervene"],
    ),
    Action(
        "toggle_history",
        "Show the history",
        "View",
        lambda w: w.toggle("history"),
        "Ctrl+H",
        is_open,
        checked=lambda w: w.places.wanted["history"],
    ),
    Action(
        "toggle_overview",
        "Show the overview",
        "View",
        toggle_overview,
        enabled=is_open,
        checked=lambda w: w.canvas.overview.is_wanted,
    ),
    Action("fit", "Fit all", "View", lambda w: w.workspace.canvas.fit(), "F", has_graph, single=True, group=True),
    Action(
        "fit_selection",
        "Fit the selection",
        "View",
        lambda w: w.workspace.canvas.fit_selection(),
        "Shift+F",
        has_current,
        single=True,
    ),
    Action("zoom_in", "Zoom in", "View", lambda w: w.workspace.canvas.zoom(ZOOM), "+", has_graph, single=True),
    Action("zoom_out", "Zoom out", "View", lambda w: w.workspace.canvas.zoom(1 / ZOOM), "-", has_graph, single=True),
    Action("zoom_full", "As drawn", "View", lambda w: w.workspace.canvas.zoom_full(), "0", has_graph, single=True),
    Action("larger", "Larger text", "View", lambda w: w.scale_text(10), "Ctrl+Shift++", group=True),
    Action("smaller", "Smaller text", "View", lambda w: w.scale_text(-10), "Ctrl+Shift+-"),
    Action("normal", "Text as designed", "View", lambda w: w.scale_text(0), "Ctrl+Shift+0"),
    Action("run", "Run", "Graph", lambda w: w.prompt.run(), "Ctrl+Return", can_run),
    Action("cancel", "Cancel the job", "Graph", lambda w: w.cancel(), "Ctrl+.", is_running),
    Action("compare", "Compare with…", "Graph", lambda w: w.asides.comparing.ask(), "", has_whole_graph),
    Action("validate", "Validate…", "Graph", validate, "", has_whole_graph),
    Action("filter", "Filter the nodes", "Graph", lambda w: w.focus_filter(), "Ctrl+F", is_open, group=True),
    Action(
        "tighter",
        "Prune tighter",
        "Graph",
        lambda w: w.thresholds.prune(-1),
        ",",
        has_whole_graph,
        single=True,
        group=True,
    ),
    Action("looser", "Prune looser", "Graph", lambda w: w.thresholds.prune(1), ".", has_whole_graph, single=True),
    Action("more_links", "Draw more links", "Graph", lambda w: draw_more(w.document, 2.0), "", has_whole_graph),
    Action("fewer_links", "Draw fewer links", "Graph", lambda w: draw_more(w.document, 0.5), "", has_whole_graph),
    Action("count_bias", "Count bias nodes in shares", "Graph", count_bias, "", has_whole_graph, checked=counts_bias),
    Action(
        "input",
        "Walk to the strongest input",
        "Graph",
        strongest_input,
        "I",
        has_current,
        single=True,
        group=True,
    ),
    Action("output", "Walk to the strongest output", "Graph", strongest_output, "O", has_current, single=True),
    Action("paths", "Paths between…", "Graph", lambda w: w.asides.show_paths(), "P", has_whole_graph, single=True),
    Action("add_selected", "Change what is selected", "Intervene", dock.add_selected, "E", dock.can_add, single=True),
    Action("add_feature", "Change an inactive feature…", "Intervene", _ask("feature"), "", dock.has_prompt, group=True),
    Action("add_head", "Change an attention head…", "Intervene", _ask("head"), "", dock.has_prompt),
    Action("add_neuron", "Change a neuron…", "Intervene", _ask("neuron"), "", dock.has_prompt),
    Action("add_direction", "Add a direction from a file…", "Intervene", _ask("direction"), "", dock.has_prompt),
    Action("add_residual", "Patch the residual stream…", "Intervene", _ask("residual"), "", dock.has_prompt),
    Action(
        "substitute",
        "Substitute a group…",
        "Intervene",
        lambda w: w.intervene.rows.ask_for_substitution(),
        enabled=dock.has_groups,
    ),
    Action(
        "freeze_attention",
        "Freeze attention",
        "Intervene",
        lambda w: w.intervene.edits.toggle("attention"),
        enabled=dock.has_prompt,
        checked=dock.holds_attention,
        group=True,
    ),
    Action(
        "freeze_norms",
        "Freeze norms",
        "Intervene",
        lambda w: w.intervene.edits.toggle("norms"),
        enabled=dock.has_prompt,
        checked=dock.holds_norms,
    ),
    Action("generate", "Generate with and without", "Intervene", dock.generate, "", dock.can_generate, group=True),
    Action("program", "Save as a program…", "Intervene", dock.save_program, "", dock.can_save_program),
    Action("reset", "Take all changes out", "Intervene", lambda w: w.intervene.edits.reset(), "", dock.has_rows),
    Action("transcoders", "Choose transcoders…", "Model", lambda w: w.files.ask_transcoders(), "", has_model),
    Action("neurons", "Use the model's own neurons", "Model", lambda w: w.features.use_neurons(), "", lacks_neurons),
    Action("lens", "Look through the lens…", "Model", lens, "", has_model),
    Action("evidence", "Feature evidence…", "Model", lambda w: w.evidence.ask(), "", is_open),
    Action("restart", "Restart the engine", "Model", lambda w: w.engine.restart(), group=True),
    Action("specimens", "Specimens…", "Help", lambda w: w.dialogs.specimens()),
    Action("keys", "Keyboard map", "Help", lambda w: w.dialogs.keys(), "F1"),
    Action("about", "About Circuit Explorer", "Help", lambda w: w.dialogs.about()),
)
