//! What is kept of a network, and what is refused when it is given back.

mod support;

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Shape, Tensor};
use pairnet_models::{Kernels, Masks, Metadata, ModelError, Network, variant, variants};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use support::{device, images};

/// Keeps everything.
struct AllOnes;

impl Masks for AllOnes {
    fn draw(&mut self, shape: &Shape, _probability: f64) -> Result<Tensor> {
        Tensor::ones(shape, DType::U8, &Device::Cpu)
    }
}

fn network(name: &str, seed: u64) -> Network {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let architecture = variant(name).unwrap();
    Network::new(architecture, Kernels::Fused, &mut rng, DType::F32, device()).unwrap()
}

/// A network whose running statistics are far from where they start.
fn trained(name: &str) -> Network {
    let mut network = network(name, 1);
    for _ in 0..20 {
        network.train(&images(30), &mut AllOnes).unwrap();
    }
    network
}

/// All that a network says of some pairs, as bits.
fn says(network: &Network) -> Vec<u32> {
    let outputs = network.evaluate(&images(9)).unwrap();
    let mut values = outputs.logits.to_vec1::<f32>().unwrap();
    if let Some(digits) = outputs.digit_logits {
        values.extend(digits.flatten_all().unwrap().to_vec1::<f32>().unwrap());
    }
    values.into_iter().map(f32::to_bits).collect()
}

fn zeros(shape: impl Into<Shape>, dtype: DType) -> Tensor {
    Tensor::zeros(shape, dtype, &Device::Cpu).unwrap()
}

#[test]
fn a_state_holds_all_that_evaluation_needs() {
    for variant in variants() {
        let trained = trained(&variant.name);
        let mut other = network(&variant.name, 2);
        assert_ne!(says(&other), says(&trained), "{}", variant.name);
        other.load_state(&trained.state().unwrap()).unwrap();
        assert_eq!(says(&other), says(&trained), "{}", variant.name);
    }
}

#[test]
fn names_are_those_of_pytorch() {
    let mut names: Vec<String> = network("lenet5-al", 0).state().unwrap().into_keys().collect();
    names.sort_unstable();
    assert_eq!(names.len(), 2 * (5 * 2 + 4) + 3 * 2);
    for name in ["branch0.0.weight", "branch1.3.batch_norm.running_mean", "comparator.2.bias"] {
        assert!(names.binary_search(&name.to_owned()).is_ok(), "{name} is not in {names:?}");
    }
    let shared = network("lenet5-ws", 0).state().unwrap();
    for part in ["weight", "bias", "running_mean", "running_var"] {
        assert_eq!(shared[&format!("branch.0.batch_norm.{part}")].dims(), [16]);
    }
}

#[test]
fn training_goes_on_without_a_state_that_was_taken() {
    let mut network = trained("mlp");
    let state = network.state().unwrap();
    let before = says(&network);
    network.parameters()[0]
        .1
        .set(&zeros((200, 392), DType::F32).to_device(device()).unwrap())
        .unwrap();
    network.train(&images(30), &mut AllOnes).unwrap();
    assert_ne!(says(&network), before);
    network.load_state(&state).unwrap();
    assert_eq!(says(&network), before);
    // And the other way round: the state is as it was, whatever becomes of the network.
    network.parameters()[1].1.set(&zeros(200, DType::F32).to_device(device()).unwrap()).unwrap();
    network.load_state(&state).unwrap();
    assert_eq!(says(&network), before);
}

/// Parameters alone are not enough to evaluate a network with batch norm.
#[test]
fn parameters_without_running_statistics_are_refused() {
    let trained = trained("lenet5-ws");
    let parameters: HashMap<String, Tensor> = trained
        .parameters()
        .into_iter()
        .map(|(name, variable)| (name, variable.as_tensor().clone()))
        .collect();
    let error = network("lenet5-ws", 2).load_state(&parameters).unwrap_err();
    assert_eq!(error.to_string(), "there is no tensor 'branch.0.batch_norm.running_mean'");
}

#[test]
fn a_state_that_does_not_fit_is_named_and_changes_nothing() {
    let whole = trained("mlp").state().unwrap();
    let mut target = network("mlp", 2);
    let before = says(&target);
    let mut said = |name: &str, tensor: Option<Tensor>| {
        let mut state = whole.clone();
        match tensor {
            Some(tensor) => state.insert(name.to_owned(), tensor),
            None => state.remove(name),
        };
        let error = target.load_state(&state).unwrap_err().to_string();
        assert_eq!(says(&target), before, "{error}");
        error
    };
    assert_eq!(said("comparator.2.bias", None), "there is no tensor 'comparator.2.bias'");
    assert_eq!(
        said("comparator.3.bias", Some(zeros(1, DType::F32))),
        "the network has no tensor 'comparator.3.bias'"
    );
    assert_eq!(
        said("comparator.2.bias", Some(zeros(2, DType::F32))),
        "'comparator.2.bias' has shape [2], [1] is needed"
    );
    assert_eq!(
        said("comparator.0.batch_norm.running_var", Some(zeros(200, DType::F64))),
        "'comparator.0.batch_norm.running_var' has dtype f64, f32 is needed"
    );
}

fn metadata() -> Metadata {
    let entries = [("recipe", "paper"), ("seed", "0"), ("test_accuracy", "97.3 %")];
    entries.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

#[test]
fn a_file_has_the_network_and_what_was_said_of_it() {
    let folder = tempfile::tempdir().unwrap();
    for variant in variants() {
        let trained = trained(&variant.name);
        let path = folder.path().join("networks").join(format!("{}.safetensors", variant.name));
        trained.save(&path, &metadata()).unwrap();
        let (loaded, said) = Network::load(&path, Kernels::Fused, device()).unwrap();
        assert_eq!(says(&loaded), says(&trained), "{}", variant.name);
        assert_eq!((loaded.architecture(), said), (variant, metadata()));
        // Others read it too.
        let tensors = candle_core::safetensors::load(&path, device()).unwrap();
        let mut other = network(&variant.name, 3);
        other.load_state(&tensors).unwrap();
        assert_eq!(says(&other), says(&trained), "{}", variant.name);
        // Nothing else is left in the folder.
        std::fs::remove_file(&path).unwrap();
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
    }
}

#[test]
fn the_same_network_gives_the_same_bytes() {
    let bytes = || trained("mlp-ws").to_safetensors(&metadata()).unwrap();
    assert_eq!(bytes(), bytes());
}

#[test]
fn another_dtype_comes_back_as_it_was() {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let architecture = variant("mlp-ws-al").unwrap();
    let network =
        Network::new(architecture, Kernels::Fused, &mut rng, DType::F64, &Device::Cpu).unwrap();
    let bytes = network.to_safetensors(&Metadata::new()).unwrap();
    let (again, _) = Network::from_safetensors(&bytes, Kernels::Fused, &Device::Cpu).unwrap();
    assert_eq!(again.dtype(), DType::F64);
    let logit = |network: &Network| {
        let images = images(2).to_device(&Device::Cpu).unwrap().to_dtype(DType::F64).unwrap();
        network.evaluate(&images).unwrap().logits.to_vec1::<f64>().unwrap()
    };
    assert_eq!(logit(&again), logit(&network));
}

fn load(bytes: &[u8]) -> ModelError {
    Network::from_safetensors(bytes, Kernels::Fused, &Device::Cpu).unwrap_err()
}

/// A file of these tensors, with this text under the key of the description.
fn file(tensors: HashMap<String, Tensor>, description: Option<String>) -> Vec<u8> {
    let beside = description.map(|text| HashMap::from([("pairnet".to_owned(), text)]));
    safetensors::serialize(tensors, beside).unwrap()
}

#[test]
fn a_file_that_is_cut_or_changed_is_an_error() {
    let whole = network("mlp-ws", 0).to_safetensors(&metadata()).unwrap();
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    for length in (0..header).step_by(7).chain([whole.len() / 2, whole.len() - 1]) {
        let error = load(&whole[..length]);
        assert!(matches!(error, ModelError::NotSafetensors(_)), "{length} bytes: {error}");
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(matches!(load(&longer), ModelError::NotSafetensors(_)));
    // Whatever was changed, nothing panics, and what is read is what was written.
    let from = |bytes: &[u8]| Network::from_safetensors(bytes, Kernels::Fused, &Device::Cpu);
    let mut refused = 0;
    for place in (0..header).chain((header..whole.len()).step_by(997)) {
        for change in [1, 0x20, 0xff] {
            let mut bytes = whole.clone();
            bytes[place] ^= change;
            match from(&bytes) {
                Ok((network, said)) => {
                    assert!(network.to_safetensors(&said).unwrap() == whole, "byte {place}");
                }
                Err(error) => {
                    let is_checksum = matches!(error, ModelError::Checksum);
                    assert!(place < header || is_checksum, "byte {place}: {error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > header);
}

/// printf '{"a":"x","b":1,"checksum":null}\nw F32 [2]\n\0\0\x80\x3f\0\0\0\x40' | sha256sum
#[test]
fn a_checksum_is_that_of_the_description_and_the_tensors() {
    let of = |description: serde_json::Value, numbers: &[f32]| {
        let tensor = Tensor::new(numbers, &Device::Cpu).unwrap();
        pairnet_models::checksum(&description, [("w", &tensor)]).unwrap()
    };
    let description = serde_json::json!({"b": 1, "a": "x", "checksum": "any"});
    let expected = of(description.clone(), &[1.0, 2.0]);
    assert_eq!(expected, "299b999e4a979f3fe046a67b268dc7863dd7b3a7c7c77935473104031f161a69");
    assert_ne!(of(description, &[1.0, 2.0000002]), expected);
    assert_ne!(of(serde_json::json!({"b": 2, "a": "x"}), &[1.0, 2.0]), expected);
    let no_object = pairnet_models::checksum(&"text", [("w", zeros(1, DType::F32))]);
    assert!(no_object.is_err());
}

/// As they were written by earlier versions.
#[test]
fn a_file_without_a_checksum_is_read_as_it_is_and_written_with_one() {
    let network = network("mlp-ws", 0);
    let metadata = metadata();
    let described = |format: u32, checksum: Option<&str>| {
        let mut value = serde_json::json!({
            "format": format, "network": network.architecture(), "metadata": metadata,
        });
        value["checksum"] = checksum.into();
        value.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        file(network.state().unwrap(), Some(value.to_string()))
    };
    let from = |bytes: &[u8]| Network::from_safetensors(bytes, Kernels::Fused, &Device::Cpu);
    let mut older = described(1, None);
    let (again, said) = from(&older).unwrap();
    let newer = network.to_safetensors(&metadata).unwrap();
    assert!(again.to_safetensors(&said).unwrap() == newer);
    // What was changed in it cannot be told, and can in the newer one.
    *older.last_mut().unwrap() ^= 1;
    assert!(from(&older).is_ok());
    let mut newer = newer;
    *newer.last_mut().unwrap() ^= 1;
    assert!(matches!(load(&newer), ModelError::Checksum));
    // Neither version is made into the other by one that is missing or added.
    assert!(matches!(load(&described(2, None)), ModelError::Checksum));
    assert!(matches!(load(&described(1, Some("00ff"))), ModelError::Checksum));
}

#[test]
fn no_more_is_read_than_the_network_takes_that_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.safetensors");
    let load = || Network::load(&path, Kernels::Fused, &Device::Cpu).unwrap_err().to_string();
    let extend = |length: u64| {
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(length).unwrap();
    };
    network("mlp-ws", 0).save(&path, &metadata()).unwrap();
    extend(1 << 40);
    let error = load();
    assert!(
        error.starts_with(&format!("{} holds no network: it has 1", path.display())),
        "{error}"
    );
    assert!(error.contains("it has 1099511627776 bytes, a network such as it describes takes"));
    // One whose header has no end, and one of another program.
    std::fs::write(&path, u64::MAX.to_le_bytes()).unwrap();
    extend(1 << 40);
    assert!(load().contains("not a whole safetensors file"));
    std::fs::write(&path, file(HashMap::from([("w".to_owned(), zeros(9, DType::F32))]), None))
        .unwrap();
    extend(1 << 40);
    assert!(load().ends_with("its metadata has no 'pairnet'"));
}

/// Python's `pickle.dumps({}, 2)` and `torch.save` begin so.
#[test]
fn a_pickle_is_never_read() {
    for bytes in
        [&b"\x80\x02}q\x00."[..], b"\x80\x05}\x94.", b"PK\x03\x04\0\0\x08\x08archive/data.pkl"]
    {
        let error = load(bytes);
        assert!(matches!(error, ModelError::Pickle), "{error}");
        assert!(error.to_string().contains("as torch.save writes"), "{error}");
    }
    assert!(matches!(load(b"\x80\x06}q\x00."), ModelError::NotSafetensors(_)));
    // A safetensors file may begin so, with the length of its header.
    let described = |length| file(HashMap::new(), Some("?".repeat(length)));
    let begins_so = |bytes: &Vec<u8>| bytes[0] == 0x80 && (2..=5).contains(&bytes[1]);
    let safe = (0..2000).map(described).find(begins_so).unwrap();
    assert!(matches!(load(&safe), ModelError::Description(_)));
}

#[test]
fn a_file_of_another_program_is_told_from_one_of_another_version() {
    let network = network("mlp-ws", 0);
    let tensors = || network.state().unwrap();
    let describe = |format: u32, inputs: usize| {
        let mut architecture = serde_json::to_value(network.architecture()).unwrap();
        architecture["comparator"][0]["inputs"] = inputs.into();
        let value = serde_json::json!({"format": format, "network": architecture, "metadata": {}});
        Some(value.to_string())
    };
    assert_eq!(load(&file(tensors(), None)).to_string(), "its metadata has no 'pairnet'");
    assert_eq!(
        load(&file(tensors(), describe(3, 20))).to_string(),
        "checkpoint format 3 cannot be read, only those up to 2 can"
    );
    let error = load(&file(tensors(), Some("a network".to_owned()))).to_string();
    assert!(error.starts_with("its description cannot be read: "), "{error}");
    let error = load(&file(tensors(), describe(1, 21))).to_string();
    let expected = "comparator.0 takes 21 inputs, a pair of branches gives 20";
    assert!(error.contains(expected), "{error}");
    let mut other = tensors();
    other.insert("comparator.0.weight".to_owned(), zeros((200, 20), DType::U8));
    let error = load(&file(other, describe(1, 20))).to_string();
    assert_eq!(error, "'comparator.0.weight' has dtype u8, f32 is needed");
    let few = tensors().into_iter().filter(|(name, _)| name != "branch.1.bias").collect();
    let error = load(&file(few, describe(1, 20))).to_string();
    assert_eq!(error, "there is no tensor 'branch.1.bias'");
}

#[test]
fn files_that_are_not_there_or_no_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent.safetensors");
    let error = Network::load(&absent, Kernels::Fused, device()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("failed to read {}: ", absent.display())), "{error}");
    let error = Network::load(folder.path(), Kernels::Fused, device()).unwrap_err();
    assert!(error.to_string().ends_with(": not a file"), "{error}");
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "a pickle, perhaps").unwrap();
    let error = Network::load(&text, Kernels::Fused, device()).unwrap_err().to_string();
    let start = format!("{} holds no network: not a whole safetensors file: ", text.display());
    assert!(error.starts_with(&start), "{error}");
    // A file cannot be where a folder is, and the folder is as it was.
    let error = network("mlp", 0).save(folder.path(), &metadata()).unwrap_err();
    assert!(matches!(error, ModelError::Write { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&text).unwrap(), "a pickle, perhaps");
}
