//! What the other tools are told by files: the body, and for some the whole load.

use std::fs;
use std::path::Path;

/// Writes them into `folder`, for the server at `url`.
pub(crate) fn write(folder: &Path, url: &str) {
    let put = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file");
    let body = format!("{{\"x\":\"{}\"}}", "x".repeat(440));
    put("body.json", &body);
    put(
        "post.lua",
        &format!(
            "wrk.method='POST'\nwrk.body='{body}'\nwrk.headers['content-type']='application/json'\n"
        ),
    );
    put(
        "vegeta.txt",
        &format!(
            "POST {url}/api/index\nContent-Type: application/json\n@{}\n",
            folder.join("body.json").display()
        ),
    );
    put(
        "k6.js",
        &format!(
            "import http from 'k6/http';
const rate = Number(__ENV.RATE), time = __ENV.SECONDS + 's';
export const options = {{ scenarios: {{ load: {{ executor: 'constant-arrival-rate', rate,
  timeUnit: '1s', duration: time, preAllocatedVUs: 32, maxVUs: 512 }} }} }};
const body = '{body}', parameters = {{ headers: {{ 'Content-Type': 'application/json' }} }};
export default function () {{ http.post('{url}/api/index', body, parameters); }}
export function handleSummary(data) {{
  return {{ stdout: JSON.stringify({{ requests: data.metrics.http_reqs.values.count }}) }};
}}
"
        ),
    );
    put(
        "locustfile.py",
        &format!(
            "import os
from locust import FastHttpUser, constant_throughput, task
class User(FastHttpUser):
    wait_time = constant_throughput(float(os.environ['RATE']) / 32)
    @task
    def post(self):
        self.client.post('/api/index', data='{body}', headers={{'Content-Type': 'application/json'}})
"
        ),
    );
}
