//! Chromium without a window, driven through its DevTools protocol: pointers, fingers and keys as a
//! person's, and everything that a page asks for or complains about told.
//!
//! <https://chromedevtools.github.io/devtools-protocol/>

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A browser that says nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Neither a profile of its own nor any service of its maker: what is asked for is the page's doing.
const ALONE: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
];

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// With fingers.
    pub(crate) phone: bool,
    pub(crate) dark: bool,
    pub(crate) still: bool,
}

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    calls: u64,
    session: Option<String>,
    /// What the page did since it was opened.
    pub(crate) events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    pub(crate) fn open(url: &str, look: Look) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
        // It reads from file 3 and writes to file 4, which only a shell can give it.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 0</dev/null 1>&2", "sh", &program])
            .args(ALONE)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        thread::spawn(move || {
            for message in output.split(0) {
                let Ok(bytes) = message else { return };
                let _ = sender.send(serde_json::from_slice(&bytes).unwrap());
            }
        });
        let mut browser = Self {
            child,
            input,
            messages,
            calls: 0,
            session: None,
            events: Vec::new(),
            _profile: profile,
        };
        browser.attach();
        browser.set(look);
        browser.call("Page.navigate", &json!({ "url": url }));
        browser
    }

    fn attach(&mut self) {
        let target = self.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call("Target.attachToTarget", &target);
        self.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), &json!({}));
        }
    }

    fn set(&mut self, look: Look) {
        let Look { width, height, phone, dark, still } = look;
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": phone });
        self.call("Emulation.setDeviceMetricsOverride", &size);
        self.call("Emulation.setTouchEmulationEnabled", &json!({ "enabled": phone }));
        let features = json!([
            { "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } },
            { "name": "prefers-reduced-motion", "value": if still { "reduce" } else { "" } },
        ]);
        self.call("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Calls a method, and keeps the events that come meanwhile.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.calls += 1;
        let mut message = json!({ "id": self.calls, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.input.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut message = self.messages.recv_timeout(PATIENCE).expect("Chromium is silent");
            if message["id"] == json!(self.calls) {
                assert_eq!(message["error"], Value::Null, "{method}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    /// The value of an expression in the page; of a promise, what it comes to.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let wanted =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut result = self.call("Runtime.evaluate", &wanted);
        assert_eq!(result["exceptionDetails"], Value::Null, "{expression}");
        result["result"]["value"].take()
    }

    pub(crate) fn text(&mut self, selector: &str) -> String {
        let script = format!("document.querySelector({})?.textContent", json!(selector));
        self.value(&script).as_str().unwrap_or_else(|| panic!("there is no {selector}")).to_owned()
    }

    /// Waits until an expression is true.
    pub(crate) fn until(&mut self, expression: &str) {
        let begun = Instant::now();
        while self.value(expression) != Value::Bool(true) {
            let page = if begun.elapsed() < PATIENCE { String::new() } else { self.text("main") };
            assert!(page.is_empty(), "{expression} does not become true: {page}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The middle of the element, in sight: (x, y, width).
    pub(crate) fn place(&mut self, selector: &str) -> (f64, f64, f64) {
        let script = format!(
            "(() => {{ const at = document.querySelector({}); at.scrollIntoView({{ block: 'center' }});
             const box = at.getBoundingClientRect();
             return [box.x + box.width / 2, box.y + box.height / 2, box.width]; }})()",
            json!(selector)
        );
        let found = self.value(&script);
        let number = |at: usize| found[at].as_f64().unwrap();
        (number(0), number(1), number(2))
    }

    /// Presses a key: its name, the key's number, and modifiers (1 Alt, 2 Ctrl, 8 Shift).
    pub(crate) fn key(&mut self, key: &str, number: u32, modifiers: u32) {
        for kind in ["rawKeyDown", "keyUp"] {
            let parameters = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": number, "modifiers": modifiers });
            self.call("Input.dispatchKeyEvent", &parameters);
        }
    }

    pub(crate) fn mouse(&mut self, kind: &str, (x, y): (f64, f64), pen: Option<f64>) {
        let down = !kind.ends_with("Released");
        let mut parameters = json!({
            "type": kind, "x": x, "y": y, "button": "left", "buttons": u8::from(down), "clickCount": 1,
            "pointerType": if pen.is_some() { "pen" } else { "mouse" },
        });
        if let Some(force) = pen {
            parameters["force"] = json!(force);
        }
        self.call("Input.dispatchMouseEvent", &parameters);
    }

    pub(crate) fn touch(&mut self, kind: &str, points: &[(f64, f64)]) {
        let points: Vec<Value> = points.iter().map(|(x, y)| json!({ "x": x, "y": y })).collect();
        self.call("Input.dispatchTouchEvent", &json!({ "type": kind, "touchPoints": points }));
    }

    pub(crate) fn click(&mut self, selector: &str) {
        let (x, y, _) = self.place(selector);
        self.mouse("mousePressed", (x, y), None);
        self.mouse("mouseReleased", (x, y), None);
    }

    /// Base64 of a PNG of the whole page.
    pub(crate) fn screenshot(&mut self) -> String {
        let wanted = json!({ "captureBeyondViewport": true });
        self.call("Page.captureScreenshot", &wanted)["data"].as_str().unwrap().to_owned()
    }

    /// The addresses that the page has asked for.
    pub(crate) fn asked(&self) -> Vec<&str> {
        let all = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        all.map(|event| event["params"]["request"]["url"].as_str().unwrap()).collect()
    }

    /// The console's lines, the errors that nobody caught, and what the policy has refused.
    pub(crate) fn complaints(&self) -> Vec<&Value> {
        let kinds = ["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"];
        let is = |event: &&Value| kinds.contains(&event["method"].as_str().unwrap_or(""));
        self.events.iter().filter(is).map(|event| &event["params"]).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
