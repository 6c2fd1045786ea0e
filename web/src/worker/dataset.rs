//! What the session is given over the network: the checkpoint and MNIST, in pieces that are tried again.

use std::cell::RefCell;
use std::rc::Rc;

use data::{Manifest, ShardEntry, shard};
use js_sys::Uint8Array;
use trainer::messages::{Download, Event};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, ReadableStream, Response, WritableStream};

use super::Worker;

/// How often a download is tried before people are told.
const TRIES: u32 = 4;
/// The cache of what was downloaded. File names carry a hash of their content, so nothing in it gets stale.
const CACHE: &str = "lenet-playground-mnist";

#[wasm_bindgen]
extern "C" {
    // web-sys has it only behind its flag for unstable APIs; every browser has had it since 2023.
    type DecompressionStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<DecompressionStream, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn readable(this: &DecompressionStream) -> ReadableStream;
    #[wasm_bindgen(method, getter)]
    fn writable(this: &DecompressionStream) -> WritableStream;
}

/// How the download is going.
#[derive(Default)]
pub(super) struct State {
    told: RefCell<Download>,
    running: RefCell<bool>,
}

fn tell(worker: &Worker, change: impl FnOnce(&mut Download)) {
    change(&mut worker.download.told.borrow_mut());
    worker.tell(vec![Event::Download(worker.download.told.borrow().clone())]);
}

/// Fetches the network that answers before any training.
pub(super) async fn checkpoint(worker: Rc<Worker>, base: String) {
    let loaded = match patiently(&worker, &format!("{base}assets/lenet5.safetensors")).await {
        Ok(bytes) => worker.session.borrow_mut().set_pretrained(&bytes),
        Err(_) => {
            Err("The pretrained network could not be loaded: drawings are read once you have trained one."
                .into())
        }
    };
    worker.tell(loaded.unwrap_or_else(|sentence| vec![Event::Failed(sentence)]));
}

/// Downloads what is missing of MNIST, training images first, one shard after the other.
pub(super) async fn mnist(worker: Rc<Worker>, base: String) {
    if worker.download.running.replace(true) {
        return;
    }
    tell(&worker, |d| d.problem = None);
    if let Err(sentence) = download_all(&worker, &format!("{base}mnist/")).await {
        tell(&worker, |d| d.problem = Some(sentence));
    }
    *worker.download.running.borrow_mut() = false;
    worker.wake();
}

async fn download_all(worker: &Rc<Worker>, base: &str) -> Result<(), String> {
    let lost = "MNIST could not be downloaded: check the connection, then press Retry.";
    let manifest = patiently(worker, &format!("{base}{}", shard::MANIFEST_FILE)).await.map_err(|_| lost)?;
    let manifest: Manifest = serde_json::from_slice(&manifest)
        .map_err(|_| "The list of MNIST's parts is damaged: the site must be built again.".to_owned())?;
    tell(worker, |d| d.total_bytes = manifest.total_bytes() as u64);
    // The first shard lets training begin, the test set lets it be measured, the rest follows.
    let (first, rest) = manifest.train.split_at(manifest.train.len().min(1));
    let parts = first.iter().map(|s| (true, s));
    let parts = parts.chain(manifest.test.iter().map(|s| (false, s))).chain(rest.iter().map(|s| (true, s)));
    let (mut train, mut test) = (0, 0);
    for (is_train, entry) in parts {
        let (end, have) = if is_train {
            train += entry.images;
            (train, worker.download.told.borrow().train_images)
        } else {
            test += entry.images;
            (test, worker.download.told.borrow().test_images)
        };
        if have >= end {
            continue;
        }
        let part = fetch_shard(worker, base, entry).await.map_err(|_| {
            let have = worker.download.told.borrow().train_images;
            format!("A part of MNIST could not be downloaded ({have} training images are here): check the connection, then press Retry.")
        })?;
        let added = match is_train {
            true => worker.session.borrow_mut().add_train(&part),
            false => worker.session.borrow_mut().add_test(&part),
        }?;
        tell(worker, |d| {
            *if is_train { &mut d.train_images } else { &mut d.test_images } = added;
            d.bytes += entry.bytes as u64;
        });
        worker.wake();
    }
    tell(worker, |d| d.complete = true);
    Ok(())
}

/// A shard out of the cache or from the network, unzipped and checked; tried again when it is damaged.
async fn fetch_shard(worker: &Worker, base: &str, entry: &ShardEntry) -> Result<data::DataSet, JsValue> {
    let url = format!("{base}{}", entry.file);
    let cache = open_cache(worker).await;
    if let Some(cache) = &cache
        && let Ok(hit) = JsFuture::from(cache.match_with_str(&url)).await
        && let Ok(response) = hit.dyn_into::<Response>()
        && let Ok(part) = read_shard(&response, entry).await
    {
        return Ok(part);
    }
    for attempt in 0.. {
        let response = fetch(&worker.scope, &url).await;
        let part = match &response {
            Ok(response) => {
                let copy = response.clone()?;
                read_shard(response, entry).await.map(|part| (part, copy))
            }
            Err(error) => Err(error.clone()),
        };
        match part {
            Ok((part, copy)) => {
                if let Some(cache) = &cache {
                    // A full disk only means that the next visit downloads again.
                    let _ = JsFuture::from(cache.put_with_str(&url, &copy)).await;
                }
                return Ok(part);
            }
            Err(error) if attempt + 1 == TRIES => return Err(error),
            Err(_) => gloo_timers::future::TimeoutFuture::new(250 << attempt).await,
        }
    }
    unreachable!("the loop returns at the last try")
}

async fn open_cache(worker: &Worker) -> Option<web_sys::Cache> {
    // Absent where the page is served neither by https nor from localhost; the browser's own cache remains.
    let caches = worker.scope.caches().ok()?;
    if caches.is_undefined() {
        return None;
    }
    JsFuture::from(caches.open(CACHE)).await.ok()?.dyn_into().ok()
}

async fn read_shard(response: &Response, entry: &ShardEntry) -> Result<data::DataSet, JsValue> {
    let mut bytes = body(response).await?;
    // Some hosts unzip on the way what looks like gzip: then it is raw already.
    if bytes.starts_with(&[0x1f, 0x8b]) {
        bytes = gunzip(&bytes).await?;
    }
    let part = shard::parse(&bytes).map_err(|e| JsValue::from(e.to_string()))?;
    if part.len() == entry.images { Ok(part) } else { Err("The shard is not the one of the list.".into()) }
}

async fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, JsValue> {
    let zipped = Response::new_with_opt_js_u8_array(Some(&Uint8Array::from(bytes)))?;
    let stream = zipped.body().ok_or("no body")?;
    let gzip = DecompressionStream::new("gzip")?;
    let unzip = web_sys::ReadableWritablePair::new(&gzip.readable(), &gzip.writable());
    let raw = stream.pipe_through(&unzip);
    body(&Response::new_with_opt_readable_stream(Some(&raw))?).await
}

async fn patiently(worker: &Worker, url: &str) -> Result<Vec<u8>, JsValue> {
    for attempt in 0.. {
        match fetch_bytes(&worker.scope, url).await {
            Err(_) if attempt + 1 < TRIES => gloo_timers::future::TimeoutFuture::new(250 << attempt).await,
            done => return done,
        }
    }
    unreachable!("the loop returns at the last try")
}

/// The bytes behind an address.
pub(super) async fn fetch_bytes(scope: &DedicatedWorkerGlobalScope, url: &str) -> Result<Vec<u8>, JsValue> {
    body(&fetch(scope, url).await?).await
}

async fn fetch(scope: &DedicatedWorkerGlobalScope, url: &str) -> Result<Response, JsValue> {
    let response: Response = JsFuture::from(scope.fetch_with_str(url)).await?.dyn_into()?;
    if response.ok() { Ok(response) } else { Err(format!("HTTP {}", response.status()).into()) }
}

async fn body(response: &Response) -> Result<Vec<u8>, JsValue> {
    Ok(Uint8Array::new(&JsFuture::from(response.array_buffer()?).await?).to_vec())
}
