//! The progress of the download of MNIST.

use leptos::prelude::*;
use trainer::messages::{Command, RunState};

use crate::client::Client;
use crate::ui::format::thousands;

/// How much of MNIST is downloaded, until all of it is. The toast floats, so that the page does not move under a pen that is
/// drawing when it appears or disappears.
#[component]
pub(crate) fn DownloadBar() -> impl IntoView {
    let client = expect_context::<Client>();
    let Client { download, run, .. } = client;
    let words = move || {
        let images = thousands(download.get().train_images);
        if run.get() == RunState::WaitingForData {
            format!("Waiting for the next images. MNIST: {images} of 60,000")
        } else {
            format!("MNIST: {images} of 60,000 images")
        }
    };
    let problem = move || download.get().problem;
    view! {
        <Show when=move || !download.get().complete>
            <div class="toast">
                <Show when=move || problem().is_none()>
                    <progress
                        aria-label="MNIST download"
                        max=move || download.get().total_bytes.max(1).to_string()
                        value=move || download.get().bytes.to_string()
                    ></progress>
                    <span>{words}</span>
                </Show>
                <Show when=move || problem().is_some()>
                    <span role="alert">{problem}</span>
                    <button on:click=move |_| client.send(Command::RetryDownload)>"Retry"</button>
                </Show>
            </div>
        </Show>
    }
}
