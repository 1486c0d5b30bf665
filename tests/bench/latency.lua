-- SPDX-License-Identifier: MIT
-- What wrk does for latency.py: a connection waits between two requests, so that the rate is a
-- moderate one; at the end all latencies that there were, as "microseconds count" lines.
local first = 0

function request()
    first = (first + 37) % 20000
    return wrk.format("GET", "/orders/" .. first)
end

function delay()
    return tonumber(os.getenv("LATENCY_DELAY"))
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout

    io.write("errors ", failed, "\n")
    for i = 1, #latency do
        local microseconds, count = latency(i)
        io.write("latency ", microseconds, " ", count, "\n")
    end
end
