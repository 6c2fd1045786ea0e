//! Keeps the texts of the page live while the browser translates it.
//!
//! Translators take text nodes out of the page and put elements with the translation in their places. What the page
//! writes into its nodes is then never seen, and what it puts beside them has no place. Here each of those nodes is
//! put back, empty, behind its translation, which goes as soon as something is written into the node or it is removed.

use js_sys::{Array, WeakMap};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{MutationObserver, MutationObserverInit, MutationRecord, Node, NodeList};

/// The element in which Google's translator puts what it translates.
const TRANSLATED: &str = "FONT";

/// The text nodes of the page whose translations are shown.
struct Translations {
    observer: MutationObserver,
    /// To each text node its translation and its own words.
    of_texts: WeakMap,
    /// To each translation its text node.
    texts: WeakMap,
}

/// Puts the texts of the page back, from now on, that a translator takes out of it.
pub(crate) fn keep_texts_live() {
    let on_change = Closure::<dyn FnMut(Array, MutationObserver)>::new({
        let (of_texts, texts) = (WeakMap::new(), WeakMap::new());
        move |records: Array, observer: MutationObserver| {
            let translations = Translations { observer, of_texts: of_texts.clone(), texts: texts.clone() };
            records.iter().for_each(|record| translations.follow(record.unchecked_ref()));
            // The changes made here are no news.
            let _ = translations.observer.take_records();
        }
    });
    let watched = MutationObserverInit::new();
    watched.set_child_list(true);
    watched.set_subtree(true);
    if let (Ok(observer), Some(body)) =
        (MutationObserver::new(on_change.as_ref().unchecked_ref()), document().body())
    {
        let _ = observer.observe_with_options(&body, &watched);
        on_change.forget();
    }
}

impl Translations {
    fn follow(&self, record: &MutationRecord) {
        if record.type_() == "characterData" {
            // The page has written into one of its nodes.
            if let Some(text) = record.target().filter(|text| self.translation(text).is_some()) {
                self.drop_translation(&text);
            }
            return;
        }
        let added = list(record.added_nodes());
        for node in list(record.removed_nodes()) {
            if let Some(text) = self.texts.get(&node).dyn_ref::<Node>() {
                self.on_translation_removed(&node, text, &added);
            } else if self.translation(&node).is_some() {
                if !node.is_connected() {
                    self.drop_translation(&node);
                }
            } else if node.node_type() == Node::TEXT_NODE && !node.is_connected() {
                self.on_text_removed(&node, record, &added);
            }
        }
    }

    /// Puts a text node back if a translator took it out of the page.
    fn on_text_removed(&self, text: &Node, record: &MutationRecord, added: &[Node]) {
        let words = text.node_value().unwrap_or_default();
        if words.trim().is_empty() {
            return;
        }
        // The page itself never replaces a node by another in one go, and has no elements of this name.
        let is_new = |node: &Node| node.node_name() == TRANSLATED && self.texts.get(node).is_undefined();
        let beside = [record.previous_sibling(), record.next_sibling()].into_iter().flatten().find(is_new);
        let Some(translation) = added.first().cloned().or(beside).filter(Node::is_connected) else { return };
        let Some(parent) = translation.parent_node() else { return };
        text.set_node_value(Some(""));
        if parent.insert_before(text, translation.next_sibling().as_ref()).is_err() {
            return;
        }
        self.of_texts.set(text, &Array::of2(&translation, &words.into()));
        self.texts.set(&translation, text);
        let watched = MutationObserverInit::new();
        watched.set_character_data(true);
        let _ = self.observer.observe_with_options(text, &watched);
    }

    /// The translator removes a translation: for the original, or for another one.
    fn on_translation_removed(&self, translation: &Node, text: &Node, added: &[Node]) {
        if translation.is_connected() {
            return;
        }
        self.texts.delete(translation);
        let entry = self.of_texts.get(text);
        let replacement = added.iter().find(|node| node.is_connected() && *node != text);
        match (entry.dyn_ref::<Array>(), replacement) {
            (Some(entry), Some(replacement)) => {
                entry.set(0, replacement.into());
                self.texts.set(replacement, text);
            }
            (Some(entry), None) => {
                text.set_node_value(entry.get(1).as_string().as_deref());
                self.of_texts.delete(text);
            }
            (None, _) => {}
        }
    }

    /// The translation of a text node that is shown in its place.
    fn translation(&self, text: &Node) -> Option<Node> {
        self.of_texts.get(text).dyn_ref::<Array>()?.get(0).dyn_into().ok()
    }

    /// Removes the translation of a text node from the page.
    fn drop_translation(&self, text: &Node) {
        if let Some(translation) = self.translation(text) {
            self.of_texts.delete(text);
            self.texts.delete(&translation);
            if let Some(parent) = translation.parent_node() {
                let _ = parent.remove_child(&translation);
            }
        }
    }
}

/// The nodes of a list.
fn list(nodes: NodeList) -> Vec<Node> {
    (0..nodes.length()).filter_map(|at| nodes.get(at)).collect()
}
