//! The downloads of the worker: the pretrained checkpoint and MNIST.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use data::{DataSet, Manifest, ShardEntry, shard};
use trainer::messages::{Download, Event, Split};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Cache, DedicatedWorkerGlobalScope, Response};

use super::fetch::{body, fetch_with_retries, gunzip, within};
use super::session_worker::SessionWorker;

/// The browser's cache of shards. Their names carry a hash of their content, so none of them becomes stale.
const CACHE: &str = "lenet-playground-mnist";
/// Milliseconds after which a cache that does not answer is done without.
const CACHE_MS: u32 = 1_500;
/// The most bytes of a checkpoint and of the list of shards.
const MAX_CHECKPOINT: usize = 16 << 20;
const MAX_MANIFEST: usize = 1 << 20;

/// Downloads the checkpoint that makes predictions before any training.
pub(super) async fn download_checkpoint(worker: Rc<SessionWorker>, base: String) {
    let url = format!("{base}assets/lenet5.safetensors");
    let read = async |response: Response| body(&response, MAX_CHECKPOINT).await;
    let loaded = match fetch_with_retries(worker.scope(), &url, read).await {
        Ok(bytes) => worker.session().set_pretrained(&bytes),
        Err(_) => {
            Err("The pretrained network could not be loaded: drawings are read once you have trained one."
                .into())
        }
    };
    worker.send(loaded.unwrap_or_else(|sentence| vec![Event::Failed(sentence)]));
}

/// The download of MNIST.
pub(super) struct MnistDownload {
    worker: Rc<SessionWorker>,
    /// The address of the folder with the shards.
    folder: String,
    /// As the page was told last.
    progress: RefCell<Download>,
    running: Cell<bool>,
}

impl MnistDownload {
    /// `base` is the address of the page's folder.
    pub(super) fn new(worker: Rc<SessionWorker>, base: &str) -> Rc<Self> {
        let (progress, running) = (RefCell::default(), Cell::new(false));
        Rc::new(Self { worker, folder: format!("{base}mnist/"), progress, running })
    }

    /// Downloads what is missing, unless that is under way.
    pub(super) fn start(self: &Rc<Self>) {
        let this = self.clone();
        spawn_local(async move {
            if this.running.replace(true) {
                return;
            }
            this.report(|progress| progress.problem = None);
            if let Err(sentence) = this.download().await {
                this.report(|progress| progress.problem = Some(sentence));
            }
            this.running.set(false);
            this.worker.proceed();
        });
    }

    /// Changes the progress and sends it to the page.
    fn report(&self, change: impl FnOnce(&mut Download)) {
        change(&mut self.progress.borrow_mut());
        self.worker.send(vec![Event::Download(self.progress.borrow().clone())]);
    }

    async fn download(&self) -> Result<(), String> {
        let manifest = self.manifest().await?;
        self.report(|progress| progress.total_bytes = manifest.total_bytes() as u64);
        let events = self.worker.session().name_data(data_name(&manifest));
        self.worker.send(events);
        let cache = open_cache(self.worker.scope()).await;
        // The first shard lets training begin, the test set lets it be evaluated, the rest follows.
        let (first, rest) = manifest.train.split_at(manifest.train.len().min(1));
        let train = |shard| (Split::Train, shard);
        let shards = first.iter().map(train);
        let shards = shards.chain(manifest.test.iter().map(|shard| (Split::Test, shard)));
        let (mut train_end, mut test_end) = (0, 0);
        for (split, entry) in shards.chain(rest.iter().map(train)) {
            let end = if split == Split::Train { &mut train_end } else { &mut test_end };
            *end += entry.images;
            if self.images(split) >= *end {
                continue;
            }
            let images = fetch_shard(self.worker.scope(), cache.as_ref(), &self.folder, entry).await.map_err(|_| {
                let images = self.images(Split::Train);
                format!("A part of MNIST could not be downloaded ({images} training images are here): check the connection, then press Retry.")
            })?;
            let total = match split {
                Split::Train => self.worker.session().add_train(&images),
                Split::Test => self.worker.session().add_test(&images),
            }?;
            self.report(|progress| {
                *match split {
                    Split::Train => &mut progress.train_images,
                    Split::Test => &mut progress.test_images,
                } = total;
                progress.bytes += entry.bytes as u64;
            });
            self.worker.proceed();
        }
        self.report(|progress| progress.complete = true);
        Ok(())
    }

    /// The list of all shards.
    async fn manifest(&self) -> Result<Manifest, String> {
        let url = format!("{}{}", self.folder, shard::MANIFEST_FILE);
        let read = async |response: Response| body(&response, MAX_MANIFEST).await;
        let manifest = fetch_with_retries(self.worker.scope(), &url, read).await.map_err(|_| {
            "MNIST could not be downloaded: check the connection, then press Retry.".to_owned()
        })?;
        let manifest: Manifest = serde_json::from_slice(&manifest)
            .map_err(|_| "The list of MNIST's parts is damaged: the site must be built again.".to_owned())?;
        manifest.check()?;
        Ok(manifest)
    }

    /// How many images of a split are here.
    fn images(&self, split: Split) -> usize {
        let progress = self.progress.borrow();
        match split {
            Split::Train => progress.train_images,
            Split::Test => progress.test_images,
        }
    }
}

/// A name of the training set: FNV-1a over the names of its files, which carry a hash of their content.
fn data_name(manifest: &Manifest) -> String {
    let names = manifest.train.iter().flat_map(|shard| shard.file.bytes());
    let hash = names
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

/// A shard from the cache or from the network, unzipped and checked. A damaged shard is fetched again.
async fn fetch_shard(
    scope: &DedicatedWorkerGlobalScope,
    cache: Option<&Cache>,
    folder: &str,
    entry: &ShardEntry,
) -> Result<DataSet, JsValue> {
    let url = format!("{folder}{}", entry.file);
    if let Some(cache) = cache
        && let Ok(hit) = within(&cache.match_with_str(&url), CACHE_MS).await
        && let Ok(response) = hit.dyn_into::<Response>()
        && let Ok(images) = read_shard(&response, entry).await
    {
        return Ok(images);
    }
    fetch_with_retries(scope, &url, async |response| {
        let copy = response.clone()?;
        let images = read_shard(&response, entry).await?;
        if let Some(cache) = cache {
            // If the disk is full, the next visit downloads the shard again.
            let _ = within(&cache.put_with_str(&url, &copy), CACHE_MS).await;
        }
        Ok(images)
    })
    .await
}

/// The cache; `None` on a page that is served neither by https nor from localhost, where the browser's own cache remains, and in a
/// browser whose cache does not answer.
async fn open_cache(scope: &DedicatedWorkerGlobalScope) -> Option<Cache> {
    let caches = scope.caches().ok()?;
    if caches.is_undefined() {
        return None;
    }
    let cache: Cache = within(&caches.open(CACHE), CACHE_MS).await.ok()?.dyn_into().ok()?;
    let answers = within(&cache.match_with_str("none"), CACHE_MS).await.is_ok();
    answers.then_some(cache)
}

async fn read_shard(response: &Response, entry: &ShardEntry) -> Result<DataSet, JsValue> {
    let mut bytes = body(response, entry.bytes.max(entry.raw_bytes)).await?;
    // Some hosts send gzip files unzipped.
    if bytes.starts_with(&[0x1f, 0x8b]) {
        entry.check_hash(&bytes)?;
        bytes = gunzip(&bytes, entry.raw_bytes).await?;
    }
    let images = shard::parse(&bytes).map_err(|e| JsValue::from(e.to_string()))?;
    if images.len() == entry.images {
        Ok(images)
    } else {
        Err("The shard is not the one of the list.".into())
    }
}
