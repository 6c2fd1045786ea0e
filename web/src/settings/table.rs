//! The table of all settings.

use data::mnist::TRAIN_IMAGES;
use nn::preset::Preset;
use nn::spec::{Initializer, Schedule, StopRule};

use super::declare::{field, setting, variants};
use super::fields;
use super::setting::Group::{Augmentation, Data, Layers, Network, Training, Tricks};
use super::setting::{Choice, Field, Setting};

/// All settings in the order of the page. A setting may depend on those above it, never on those below.
pub(crate) static SETTINGS: [Setting; 38] = [
    setting(Network, "preset", "Preset")
        .choice(Choice { options: &PRESETS, field: fields::PRESET })
        .custom_if(|s| !s.is_preset())
        .help(
            "A ready-made network with the training that suits it. Everything below starts from it: compare \
             how far each comes in an epoch.",
        ),
    setting(Layers, "layers", "Layers").layers().help(
        "The tricks, from the image down to the ten digits. Choose a layer to change, move or remove \
         it: shapes and parameters follow.",
    ),
    setting(Network, "activation", "Activation")
        .choice(Choice {
            options: &[
                ("relu", "ReLU"),
                ("leaky", "Leaky ReLU"),
                ("elu", "ELU"),
                ("tanh", "tanh"),
                ("sigmoid", "Sigmoid"),
                ("none", "None"),
            ],
            field: fields::ACTIVATION,
        })
        .half()
        .help(
            "Bends what every hidden layer gives. With sigmoid, watch deep networks learn slowly; with \
             none, many layers can do no more than one.",
        ),
    setting(Network, "pooling", "Pooling")
        .choice(Choice {
            options: &[("max", "Max"), ("average", "Average"), ("subsample", "As of 1998")],
            field: fields::POOLING,
        })
        .half()
        .help(
            "How maps become smaller: the largest value of each window, its mean, or the mean with a weight \
             and a bias, as in 1998. Open an S layer to see its windows.",
        ),
    setting(Training, "optimiser", "Optimiser")
        .choice(Choice {
            options: &[
                ("sgd", "SGD"),
                ("momentum", "SGD with momentum"),
                ("nesterov", "Nesterov momentum"),
                ("adam", "Adam"),
                ("adamw", "AdamW"),
            ],
            field: fields::OPTIMIZER,
        })
        .help(
            "How gradients become steps. Each brings the learning rate that suits it: compare how steeply \
             the loss falls.",
        ),
    setting(Training, "lr", "Learning rate")
        .menu(
            &[
                0.0001, 0.0002, 0.0003, 0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.01, 0.02, 0.05, 0.1,
                0.2, 0.3, 0.5, 1.0, 3.0,
            ],
            field!(training.learning_rate),
        )
        .help("Size of a step. Too small: the loss creeps. Too large: it jumps about or runs away."),
    setting(Training, "batch", "Batch size")
        .menu(&[1.0, 4.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0], field!(training.batch_size))
        .help(
            "Images a step. Small batches make noisy, frequent steps; large ones smooth, rare steps that \
             use the machine better.",
        ),
    setting(Training, "schedule", "Schedule")
        .choice(variants!(
            training.schedule,
            [
                ("constant", "Constant", Schedule::Constant),
                ("step", "Falling in steps", Schedule::Step { epochs: 1.0, factor: 0.6 }),
                ("cosine", "Cosine down to 0", Schedule::Cosine { epochs: 10.0 }),
                ("one-cycle", "One cycle", Schedule::OneCycle { epochs: 10.0 }),
                ("range-test", "Range test", Schedule::RangeTest { epochs: 1.0 }),
            ]
        ))
        .help(
            "How the learning rate changes on the way. Falling, it lets the noise at the end die down: \
             watch the test accuracy rise. A range test tries all rates in one run: reset, train, and read the \
             rate at which the loss falls most steeply.",
        ),
    setting(Training, "schedule-epochs", "Schedule epochs")
        .menu(
            &[0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0],
            fields::SCHEDULE_EPOCHS,
        )
        .help(
            "Length of a stair where the rate falls in steps, and else of the whole run, behind which the \
             rate stays. An epoch here is 60,000 images, even if fewer are used. Look for the loss to calm \
             down on the way.",
        ),
    setting(Training, "schedule-factor", "Schedule factor")
        .menu(&[0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95], fields::SCHEDULE_FACTOR)
        .help(
            "What is left of the learning rate after each stair. If little is, the curve turns smooth and \
             flat.",
        ),
    setting(Training, "stop", "Stop")
        .choice(variants!(
            training.stop,
            [
                ("by-hand", "By hand", StopRule::Never),
                ("epoch", "At an epoch", StopRule::Epoch { epochs: 5.0 }),
                ("accuracy", "At a test accuracy", StopRule::Accuracy { accuracy: 0.98 }),
                ("patience", "When the test loss stays", StopRule::Patience { evaluations: 4.0 }),
            ]
        ))
        .help(
            "When training pauses by itself. Runs of the same length can be compared; stopping where the test              loss falls no more is early stopping. Train goes on in any case.",
        ),
    setting(Training, "stop-epoch", "Epoch to stop at")
        .menu(&[0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 100.0, 1_000.0], fields::STOP_EPOCHS)
        .help("Of this run, from its first step on. The test set is evaluated there."),
    setting(Training, "stop-accuracy", "Accuracy to stop at")
        .menu(&[0.9, 0.95, 0.97, 0.98, 0.985, 0.99, 0.992, 0.995], fields::STOP_ACCURACY)
        .help("On the test set, at the first evaluation that reaches it: look how many images that took."),
    setting(Training, "stop-evaluations", "Evaluations to wait")
        .menu(&[1.0, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0], fields::STOP_EVALUATIONS)
        .help(
            "How many evaluations the test loss may stay above its lowest value: two are an epoch of all              images. Wind back to the lowest then.",
        ),
    setting(Training, "seed", "Seed").integer((0.0, u32::MAX as f64), field!(training.seed)).help(
        "Where all chance comes from. The same seed gives the same curve on every machine; another one \
         shows how much of a difference is luck.",
    ),
    setting(Training, "images", "Training images")
        .menu(
            &[50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0, TRAIN_IMAGES as f64],
            fields::IMAGES,
        )
        .help(
            "Learn from the first so many only. With few, the network knows them by heart: training and \
             test curves part.",
        ),
    setting(Training, "momentum", "Momentum").slider((0.05, 0.99), 0.01, "", fields::MOMENTUM).help(
        "How much of its speed a step keeps: it rolls through narrow valleys, and past the bottom if \
         there is too much of it.",
    ),
    setting(Training, "beta1", "Beta 1").menu(&[0.0, 0.5, 0.8, 0.9, 0.95, 0.99], fields::BETA1).third().help(
        "How long Adam remembers the direction: 0.9 is about ten steps. With less, the loss falls less \
         evenly.",
    ),
    setting(Training, "beta2", "Beta 2")
        .menu(&[0.9, 0.95, 0.99, 0.995, 0.999, 0.9999], fields::BETA2)
        .third()
        .help(
            "How long Adam remembers the size of gradients: 0.999 is about a thousand steps. With less, \
             look for spikes in the loss.",
        ),
    setting(Training, "epsilon", "Epsilon")
        .menu(&[1e-10, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1], fields::EPS)
        .third()
        .help(
            "Keeps Adam from dividing by nothing. Large, it makes Adam more like plain gradient descent: \
             the loss falls more slowly.",
        ),
    setting(Tricks, "batchnorm", "Batch normalisation").switch(fields::BATCH_NORM).help(
        "Gives every map mean 0 and deviation 1 over the batch before it is bent: see how its values \
         lie before and after. Learning rates can be larger, and seeds matter less.",
    ),
    setting(Tricks, "dropout", "Dropout").switch(fields::DROPOUT).help(
        "Silences a random part of the hidden units in every step, crossed out in the picture, so that \
         none relies on another: training gets worse, the test better.",
    ),
    setting(Tricks, "dropout-share", "Dropout share")
        .slider((0.05, 0.9), 0.05, "", fields::DROPOUT_SHARE)
        .help(
            "How many of the units fall silent: half of them in the paper, a fifth suits LeNet. The more, \
             the slower the training curve.",
        ),
    setting(Tricks, "l1", "L1 penalty")
        .menu(&[0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2], field!(training.penalty.l1))
        .typical(1e-5)
        .strong(3e-4)
        .help(
            "Pulls every weight to 0 with the same force: the useless ones become 0, filters turn plain, \
             and the bars of the weights shrink.",
        ),
    setting(Tricks, "l2", "L2 penalty")
        .menu(&[0.0, 1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1], field!(training.penalty.l2))
        .typical(1e-4)
        .strong(1e-2)
        .help(
            "Weight decay: pulls large weights to 0 more than small ones. Their bars shrink, and so does \
             the gap between training and test.",
        ),
    setting(Tricks, "penalise-biases", "Penalise biases, too").switch(fields::PENALISE_BIASES).help(
        "As PyTorch does. Books leave biases out: they are few and fit no noise. Compare: hardly a \
         figure changes.",
    ),
    setting(Tricks, "smoothing", "Label smoothing")
        .slider((0.0, 0.5), 0.01, "", field!(training.label_smoothing))
        .typical(0.1)
        .help(
            "Asks for 90 % certainty, say, instead of 100 %. The network stays modest: look at the bars of \
             an unclear digit.",
        ),
    setting(Tricks, "initialiser", "Initialiser")
        .choice(variants!(
            training.initializer,
            [
                ("he", "He: for ReLU", Initializer::He),
                ("xavier", "Xavier: for tanh", Initializer::Xavier),
                ("lecun", "LeCun: by inputs", Initializer::LeCun),
                ("normal", "Normal", Initializer::Normal { std: 0.1 }),
                ("constant", "Constant", Initializer::Constant { value: 0.1 }),
                ("zeros", "Zeros", Initializer::Zeros),
            ]
        ))
        .help(
            "Where the weights begin, after a reset. From zeros nothing can be learned; too large, and \
             sigmoids are stuck. Step once, and look at the gradients.",
        ),
    setting(Tricks, "initial-value", "Initial value")
        .slider((-1.0, 1.0), 0.01, "", fields::INITIAL_VALUE)
        .help("Every weight begins with it: all units of a layer stay alike for ever."),
    setting(Tricks, "initial-deviation", "Standard deviation")
        .menu(&[0.001, 0.01, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0], fields::INITIAL_STD)
        .help(
            "How far initial weights are from 0. At 1, Nielsen's networks are stuck at first: their \
             sigmoids are saturated.",
        ),
    setting(Data, "pixel-shuffle", "Shuffle pixels").switch(fields::PIXEL_SHUFFLE).help(
        "Puts the pixels of every image, and of the drawing, into one random order, the same for all. We read \
         nothing any more: compare what filters lose by it, and what a dense network loses.",
    ),
    setting(Data, "wrong-labels", "Wrong labels")
        .slider((0.0, 1.0), 0.05, "", field!(training.label_noise))
        .typical(0.2)
        .help(
            "Tells the network a wrong digit for this share of the training images, always the same one; the \
             training curves count it as right. See how little the test suffers while there are many.",
        ),
    setting(Augmentation, "rotation", "Rotation")
        .slider((0.0, 45.0), 1.0, "°", field!(training.augmentation.rotation))
        .typical(10.0)
        .help(
            "Turns every training image by up to so many degrees, another way each time. A 6 must not \
             become a 9.",
        ),
    setting(Augmentation, "shift", "Shift")
        .slider((0.0, 6.0), 0.5, " px", field!(training.augmentation.shift))
        .typical(2.0)
        .help(
            "Moves the digit by up to so many pixels. Nobody learns by heart any more where ink lies: the \
             gap between training and test shrinks.",
        ),
    setting(Augmentation, "zoom", "Zoom")
        .slider((0.0, 0.5), 0.05, "", field!(training.augmentation.zoom))
        .typical(0.1)
        .help(
            "Makes the digit larger or smaller by up to this share. Look in the copies when it begins to \
             leave the image.",
        ),
    setting(Augmentation, "shear", "Shear")
        .slider((0.0, 0.6), 0.05, "", field!(training.augmentation.shear))
        .typical(0.1)
        .help(
            "Leans the digit to the left or right, as handwriting does. Look whether a slanted 1 is still \
             read as 1.",
        ),
    setting(Augmentation, "elastic", "Elastic")
        .slider((0.0, 4.0), 0.25, " px", field!(training.augmentation.elastic))
        .typical(1.0)
        .help(
            "Bends the digit like a rubber sheet: what a trembling hand does. It is worth the most on \
             MNIST.",
        ),
    setting(Augmentation, "crop", "Random crop")
        .slider((0.0, 6.0), 1.0, " px", field!(training.augmentation.crop))
        .typical(2.0)
        .help(
            "Cuts a window out of the image with a margin around it: a shift by whole pixels. See in the \
             copies when it cuts into the digit.",
        ),
];

/// The presets, as options of a menu.
const PRESETS: [(&str, &str); Preset::ALL.len()] = {
    let mut all = [("", ""); Preset::ALL.len()];
    let mut i = 0;
    while i < all.len() {
        all[i] = (Preset::ALL[i].id(), Preset::ALL[i].title());
        i += 1;
    }
    all
};

impl Setting {
    /// The setting with an id.
    pub(crate) fn find(id: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.id == id)
    }
}
