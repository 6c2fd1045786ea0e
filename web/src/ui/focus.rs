//! The keyboard focus: moved to distant parts of the page, and kept on the page when the element that has it is removed,
//! disabled or hidden. Otherwise keyboards and screen readers would start again at the top of the page.

use std::cell::RefCell;

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{
    Element, Event, FocusOptions, HtmlElement, MutationObserver, MutationObserverInit, MutationRecord, Node,
    ScrollIntoViewOptions, ScrollLogicalPosition,
};

/// The drawing pad.
pub(crate) const PAD: &str = "[aria-label='Drawing pad']";
/// The first layer of the network picture.
pub(crate) const NETWORK: &str = ".stage .opener";
/// The curves.
pub(crate) const CHARTS: &str = ".chart-tools button";
/// The runs.
pub(crate) const RUNS: &str = ".panel.runs :is(button:not(.folds), input, select):not(:disabled)";
/// The slider over the checkpoints of the run.
pub(crate) const CHECKPOINT: &str = "#checkpoint";
/// The first group of settings.
pub(crate) const SETTINGS: &str = ".controls summary";

/// The content of a section that is folded.
const FOLDED: &str = ".fold[hidden]";

/// What Tab stops at.
const STOPS: &str =
    ":is(a[href], button, input, select, textarea, summary, [tabindex]):not(:disabled, [tabindex='-1'])";
/// The parts of the page that the focus does not leave if it can stay there.
const REGIONS: &str = "section, header, dialog, .toasts";
/// Where the focus goes if there is nothing nearer.
const START: &str = "header button";
/// How many elements that had the focus are remembered.
const HISTORY: usize = 8;

thread_local! {
    static KEEPER: RefCell<Keeper> = RefCell::default();
}

/// What is known of the focus.
#[derive(Default)]
struct Keeper {
    /// The elements that had the focus, the last one at the end.
    history: Vec<Element>,
    /// Whether the last one had it by the keyboard.
    by_keyboard: bool,
    /// The place of the last one, if it was removed from the page.
    removed_from: Option<Place>,
    /// Where the focus is to go if it is lost.
    wanted: Option<String>,
    is_scheduled: bool,
}

/// A place among nodes.
enum Place {
    /// Behind a node and all that it contains.
    After(Node),
    /// At the beginning of a node.
    In(Node),
}

impl Place {
    fn node(&self) -> &Node {
        match self {
            Self::After(node) | Self::In(node) => node,
        }
    }

    /// Whether an element begins behind this place.
    fn is_before(&self, element: &Element) -> bool {
        let order = self.node().compare_document_position(element);
        let is_inside = order & Node::DOCUMENT_POSITION_CONTAINED_BY != 0;
        order & Node::DOCUMENT_POSITION_FOLLOWING != 0 && (matches!(self, Self::In(_)) || !is_inside)
    }
}

/// Keeps the focus on the page from now on.
pub(crate) fn keep_focus() {
    let _ = window_event_listener(ev::focusin, |event| {
        if let Some(element) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) {
            KEEPER.with_borrow_mut(|keeper| keeper.on_focus(element));
        }
    });
    // Nothing says so when an element that has the focus is hidden, except that it loses the focus to none.
    let _ = window_event_listener(ev::focusout, |event| {
        if event.related_target().is_none() {
            schedule();
        }
    });
    let on_change = Closure::<dyn FnMut(js_sys::Array)>::new(|records: js_sys::Array| {
        let is_lost = KEEPER.with_borrow_mut(|keeper| {
            records.iter().for_each(|record| keeper.on_change(record.unchecked_ref()));
            keeper.is_lost()
        });
        if is_lost {
            schedule();
        }
    });
    let watched = MutationObserverInit::new();
    watched.set_child_list(true);
    watched.set_subtree(true);
    let attributes = ["disabled", "hidden", "inert", "open"].map(JsValue::from);
    watched.set_attribute_filter(&attributes.iter().collect::<js_sys::Array>());
    if let (Ok(observer), Some(body)) =
        (MutationObserver::new(on_change.as_ref().unchecked_ref()), document().body())
    {
        let _ = observer.observe_with_options(&body, &watched);
        on_change.forget();
    }
}

impl Keeper {
    fn on_focus(&mut self, element: Element) {
        self.by_keyboard = element.matches(":focus-visible").unwrap_or(true);
        self.removed_from = None;
        self.history.retain(|earlier| *earlier != element && earlier.is_connected());
        self.history.push(element);
        if self.history.len() > HISTORY {
            self.history.remove(0);
        }
    }

    /// Notes the place from which the last element was removed. Nodes that were beside it may be removed later.
    fn on_change(&mut self, record: &MutationRecord) {
        let Some(last) = self.history.last() else { return };
        let anchor = self.removed_from.as_ref().map_or::<&Node, _>(last, Place::node);
        let removed = record.removed_nodes();
        let is_removed =
            (0..removed.length()).filter_map(|at| removed.get(at)).any(|node| node.contains(Some(anchor)));
        if is_removed {
            let place = record.previous_sibling().map(Place::After);
            self.removed_from = place.or_else(|| record.target().map(Place::In));
        }
    }

    /// Whether the last element cannot have the focus any more.
    fn is_lost(&self) -> bool {
        self.history
            .last()
            .is_some_and(|last| self.removed_from.is_some() || last.matches(":disabled").unwrap_or(false))
    }

    /// The element that gets the focus in place of the last one.
    fn successor(&self) -> Option<Element> {
        let wanted = self.wanted.as_ref().and_then(|selector| query(selector));
        let wanted = wanted.inspect(unfold).filter(can_have_focus);
        let last = self.history.last();
        // It was only moved.
        let moved = || last.filter(|last| can_have_focus(last)).cloned();
        let earlier = || self.history.iter().rev().skip(1).find(|earlier| can_have_focus(earlier)).cloned();
        wanted.or_else(moved).or_else(|| self.neighbour()).or_else(earlier).or_else(|| query(START))
    }

    /// The next stop of Tab in the region, or else the one before it. For those who do not use the keyboard, the region itself:
    /// keys that act wherever the focus is do so there, too.
    fn neighbour(&self) -> Option<Element> {
        let last = self.history.last()?;
        let here = Place::In(last.clone().into());
        let place = self.removed_from.as_ref().unwrap_or(&here);
        let mut around = match place {
            Place::In(node) => node.dyn_ref::<Element>().cloned(),
            Place::After(node) => node.parent_element(),
        };
        while let Some(parent) = around {
            let is_region = parent.matches(REGIONS).unwrap_or(false);
            if self.by_keyboard {
                let stops = parent.query_selector_all(STOPS).ok()?;
                let stops = (0..stops.length()).filter_map(|at| stops.get(at)?.dyn_into::<Element>().ok());
                let (mut before, mut after) = (None, None);
                for stop in stops.filter(can_have_focus) {
                    if place.is_before(&stop) {
                        after = Some(stop);
                        break;
                    }
                    before = Some(stop);
                }
                if after.is_some() || before.is_some() {
                    return after.or(before);
                }
            } else if is_region && is_visible(&parent) {
                if !parent.has_attribute("tabindex") {
                    let _ = parent.set_attribute("tabindex", "-1");
                }
                return Some(parent);
            }
            if is_region {
                return None;
            }
            around = parent.parent_element();
        }
        None
    }
}

/// Looks in the next frame whether the focus is lost, when what was closed is gone.
fn schedule() {
    if !KEEPER.with_borrow_mut(|keeper| std::mem::replace(&mut keeper.is_scheduled, true)) {
        request_animation_frame(restore);
    }
}

/// Gives the focus to another element if it is lost.
fn restore() {
    let active = document().active_element().filter(|element| element.tag_name() != "BODY");
    let successor = KEEPER.with_borrow_mut(|keeper| {
        keeper.is_scheduled = false;
        let is_held = active.as_ref().is_some_and(can_have_focus);
        let is_lost = keeper.is_lost() || keeper.history.last().is_some_and(|last| !can_have_focus(last));
        let successor = if !is_held && (is_lost || keeper.wanted.is_some()) {
            keeper.successor().map(|element| (element, keeper.by_keyboard))
        } else {
            None
        };
        keeper.wanted = None;
        successor
    });
    if let Some((element, by_keyboard)) = successor {
        let options = FocusOptions::new();
        // The page does not move under a hand that uses no keyboard.
        options.set_prevent_scroll(!by_keyboard);
        let _ = element.unchecked_ref::<HtmlElement>().focus_with_options(&options);
    }
}

/// Whether an element is in the page and takes up room there.
fn is_visible(element: &Element) -> bool {
    element.is_connected() && element.get_client_rects().length() > 0
}

fn can_have_focus(element: &Element) -> bool {
    is_visible(element) && !element.matches(":disabled, [inert] *, [hidden] *").unwrap_or(false)
}

fn query(selector: &str) -> Option<Element> {
    document().query_selector(selector).ok().flatten()
}

/// Focuses the first element that matches `selector`, which scrolls it into view.
pub(crate) fn go_to(selector: &str) {
    let element = query(selector);
    if let Some(element) = &element {
        unfold(element);
    }
    focus(element);
}

/// Opens the section of an element if it is folded, as a browser does that finds words in it.
fn unfold(element: &Element) {
    let section = element.closest("section").ok().flatten();
    let fold = section.and_then(|section| section.query_selector(FOLDED).ok().flatten());
    if let Some((fold, event)) = fold.zip(Event::new("beforematch").ok()) {
        let _ = fold.dispatch_event(&event);
        // What is hidden cannot have the focus.
        let _ = fold.remove_attribute("hidden");
    }
}

/// Whether the element that has the focus matches `selector`.
pub(crate) fn has_focus(selector: &str) -> bool {
    document().active_element().is_some_and(|element| element.matches(selector).unwrap_or(false))
}

/// Focuses an element, if it exists and can have the focus.
pub(crate) fn focus(element: Option<Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Moves the focus to the first element that matches `selector` if the focus is lost, because the element that had it was
/// closed.
pub(crate) fn restore_focus(selector: impl Into<String>) {
    KEEPER.with_borrow_mut(|keeper| keeper.wanted = Some(selector.into()));
    schedule();
}

/// Scrolls to an element, no further than needed.
pub(crate) fn scroll_into_view(element: &Element) {
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

/// Arrow keys go from item to item of a list of buttons.
pub(crate) fn walk_list(ev: ev::KeyboardEvent) {
    let step = match ev.key().as_str() {
        "ArrowLeft" | "ArrowUp" => Element::previous_element_sibling,
        "ArrowRight" | "ArrowDown" => Element::next_element_sibling,
        _ => return,
    };
    ev.prevent_default();
    let item = ev.target().and_then(|target| target.dyn_into::<Element>().ok());
    focus(item.and_then(|item| step(&item.closest("li").ok()??)?.first_element_child()));
}
