//! The state of the network picture: which panel is open, and which pixel is inspected.

use leptos::prelude::*;
use nn::spec::NetworkSpec;
use trainer::messages::{Snapshot, Watch};

use crate::client::Client;
use crate::network::filter::kernel::Kernel;
use crate::network::lens::trial::Trial;
use crate::network::link::{NetworkLink, OpenPanel};
use crate::network::pixel_name::{PixelName, PixelRef};
use crate::network::stages;
use crate::network::thinned::units_choice::UnitsChoice;
use crate::ui::signal::set_if_changed;

/// The state of the network picture.
#[derive(Clone, Copy)]
pub(crate) struct NetworkView {
    /// The layer that is open in the place of the picture, or the panel below it.
    pub(crate) open: RwSignal<Option<OpenPanel>>,
    /// The map, from 0, that the Lens shows of the open stage.
    pub(crate) map: RwSignal<usize>,
    /// The window of the Lens, and where it lies.
    pub(crate) trial: RwSignal<Trial>,
    /// The units behind dropout with which the digit is read.
    pub(crate) units: RwSignal<UnitsChoice>,
    /// The filter that is made by hand.
    pub(crate) filter: RwSignal<Kernel>,
    /// The pixel that is inspected.
    pub(crate) pixel: RwSignal<Option<PixelRef>>,
    /// The network that is drawn.
    pub(crate) network: Memo<NetworkSpec>,
    /// The network of the last link that was followed, and the pixel that it names: when its layers are drawn, the pixel is inspected.
    awaited: StoredValue<Option<(NetworkSpec, PixelRef)>>,
    client: Client,
    /// Whether the last snapshot is one of the network that is drawn. For a moment after a change it is not, and nothing of it
    /// is shown.
    pub(crate) is_current: Memo<bool>,
    /// Indices of the stages that are open or have the inspected pixel.
    inspected: Memo<Vec<usize>>,
}

impl NetworkView {
    /// Opens what the link names. `network` is the network that is drawn.
    pub(crate) fn new(link: NetworkLink, network: Memo<NetworkSpec>, client: Client) -> Self {
        let open = RwSignal::new(link.open);
        let stages = network.with_untracked(stages::of);
        let pixel = RwSignal::new(link.pixel.and_then(|name| name.find(&stages).ok()));
        let awaited = StoredValue::default();
        let inspected = Memo::new(move |_| {
            let open = match open.get() {
                Some(OpenPanel::Stage(name)) => {
                    stages::of(&network.get()).iter().position(|stage| stage.name == name)
                }
                Some(OpenPanel::Filter) | None => None,
            };
            let pixel = pixel.get().and_then(|pixel| pixel.column.checked_sub(1));
            open.into_iter().chain(pixel.filter(|stage| Some(*stage) != open)).collect()
        });
        let (map, trial) = (RwSignal::new(link.map), RwSignal::new(link.trial));
        let (units, filter) = (RwSignal::new(link.units), RwSignal::new(link.filter));
        let is_current =
            Memo::new(move |_| client.network.with(|of| network.with(|drawn| of.as_ref() == Some(drawn))));
        Self { open, map, trial, units, filter, pixel, network, awaited, client, is_current, inspected }
    }

    /// The state that links carry.
    pub(crate) fn linked(&self) -> NetworkLink {
        NetworkLink {
            open: self.open.get(),
            map: self.map.get(),
            trial: self.trial.get(),
            units: self.units.get(),
            filter: self.filter.get(),
            pixel: self.pixel_name(),
        }
    }

    /// The inspected pixel by its name; none in an open layer, where map and window say which.
    fn pixel_name(&self) -> Option<PixelName> {
        let pixel = self.pixel.get().filter(|_| !self.is_lens())?;
        PixelName::of(pixel, &self.network.with(stages::of))
    }

    /// Takes over the state of a link.
    pub(crate) fn follow(&self, mut link: NetworkLink) {
        let named = link.pixel.take();
        self.open_as(link);
        let network = self.network.get_untracked();
        let pixel = named.and_then(|name| name.find(&stages::of(&network)).ok());
        set_if_changed(self.pixel, pixel);
        self.awaited.set_value(pixel.map(|pixel| (network, pixel)));
    }

    /// Opens and shows what a link does. The inspected pixel stays.
    pub(crate) fn open_as(&self, link: NetworkLink) {
        set_if_changed(self.open, link.open);
        set_if_changed(self.map, link.map);
        set_if_changed(self.trial, link.trial);
        set_if_changed(self.units, link.units);
        set_if_changed(self.filter, link.filter);
    }

    /// The layers changed: the inspected pixel is forgotten, but for the one that a link with these layers names.
    pub(crate) fn forget_pixel(&self) {
        let awaited = self.awaited.try_update_value(Option::take).flatten();
        let of_network = awaited.filter(|(network, _)| self.network.with_untracked(|drawn| drawn == network));
        set_if_changed(self.pixel, of_network.map(|(_, pixel)| pixel));
    }

    /// Reads the last snapshot, if it is one of the network that is drawn.
    pub(crate) fn with_snapshot<T>(&self, read: impl FnOnce(Option<&Snapshot>) -> T) -> T {
        let is_current = self.is_current.get();
        self.client.snapshot.with(|snapshot| read(snapshot.as_ref().filter(|_| is_current)))
    }

    /// The output of a layer for the image on the pad; none while there is no image or its output is not known yet.
    pub(crate) fn output(&self, layer: usize) -> Option<Vec<f32>> {
        self.with_snapshot(|snapshot| {
            snapshot?.activations.iter().find(|a| a.layer == layer).map(|a| a.values.clone())
        })
    }

    /// How much of a layer's output is different since the digit was moved or turned, 0 to 1; none if it was not.
    pub(crate) fn changed(&self, layer: usize) -> Option<f32> {
        self.with_snapshot(|snapshot| snapshot?.changed.iter().find(|c| c.layer == layer).map(|c| c.share))
    }

    /// Opens a panel, with this map and this window, or closes the one that is open.
    pub(crate) fn show(&self, panel: Option<OpenPanel>, map: usize, trial: Trial) {
        set_if_changed(self.open, panel);
        set_if_changed(self.map, map);
        set_if_changed(self.trial, trial);
    }

    /// Opens a stage at a map, from 0.
    pub(crate) fn open_stage(&self, name: String, map: usize) {
        self.show(Some(OpenPanel::Stage(name)), map, Trial::default());
    }

    /// Whether a layer is open in the place of the picture.
    pub(crate) fn is_lens(&self) -> bool {
        self.open.with(|open| matches!(open, Some(OpenPanel::Stage(_))))
    }

    /// Opens a panel, or closes it if it is open.
    pub(crate) fn toggle(&self, panel: OpenPanel) {
        self.show((self.open.get_untracked().as_ref() != Some(&panel)).then_some(panel), 0, Trial::default());
    }

    /// Opens the layer `places` further on than the open one. Returns whether there is one.
    pub(crate) fn open_beside(&self, places: isize) -> bool {
        let Some(OpenPanel::Stage(open)) = self.open.get_untracked() else { return false };
        let stages = self.network.with_untracked(stages::of);
        let at = stages.iter().position(|stage| stage.name == open);
        let beside = at.and_then(|at| stages.get(at.checked_add_signed(places)?));
        if let Some(stage) = beside {
            self.show(Some(OpenPanel::Stage(stage.name.clone())), 0, Trial::default());
        }
        beside.is_some()
    }

    /// Closes the panel that is open.
    pub(crate) fn close(&self) {
        self.show(None, 0, Trial::default());
    }

    /// Escape closes the open panel; without one, no pixel is inspected any more.
    pub(crate) fn escape(&self) {
        if self.open.get_untracked().is_some() {
            self.close();
        } else {
            set_if_changed(self.pixel, None);
        }
    }

    /// What the worker must send for the picture, the open panel and the inspected pixel.
    pub(crate) fn watch(&self) -> Watch {
        let open = self.open.with(|open| match open {
            Some(OpenPanel::Stage(name)) => Some(name.clone()),
            _ => None,
        });
        let watch =
            self.network.with(|network| stages::watch(network, &self.inspected.get(), open.as_deref()));
        Watch { units: self.units.get().units(), ..watch }
    }
}
