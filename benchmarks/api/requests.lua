-- For wrk: sends the requests of a file in a circle, and prints one line of JSON when it is done.
-- A line is method, path, key (or name=value of a cookie), Idempotency-Key and body, with tabs between them; the last two may be empty.

local ready, place = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local method, path, key, once, body = line:match("^(.-)\t(.-)\t(.-)\t(.-)\t(.*)$")
    local headers = key:find("^[%w_-]+=.") and { Cookie = key } or { Authorization = "Bearer " .. key }
    if once ~= "" then headers["Idempotency-Key"] = once end
    if body ~= "" then headers["Content-Type"] = "application/json" else body = nil end
    ready[#ready + 1] = wrk.format(method, path, headers, body)
  end
end

function request()
  place = place % #ready + 1
  return ready[place]
end

function done(summary, latency)
  local failed = 0
  for _, count in pairs(summary.errors) do failed = failed + count end
  io.write(string.format(
    '\n{"answered": %d, "failed": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "worst_ms": %f}\n',
    summary.requests, failed, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3))
end
