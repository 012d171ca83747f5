-- Give one request its moment within the quotas, or turn it away: in one step, for all processes.
--
-- KEYS  state (hash), log (list of requests that were let through), callers (sorted set of processes)
-- ARGV  a JSON object: rules (the figures of redis.py), per_minute (0: not known), cost, caller, is_question
-- Gives {1 or 0, seconds to wait, callers lately}; 0: turned away, come back after that wait.
--
-- Two things hold a request back:
--   the window   what was let through in any `window_s` must stay within the quota. Bulk work leaves a share of it free.
--   the pace     `sent:<what>` is when bulk work may go on if it goes evenly; `asked:<what>` the same for questions.
-- Both may run ahead of their pace by a little, so that an idle moment is not lost.

local state_key, log_key, callers_key = KEYS[1], KEYS[2], KEYS[3]
local call = cjson.decode(ARGV[1])
local rules, cost = call.rules, call.cost
local WHAT = {'requests', 'texts', 'tokens'}

local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000

redis.call('ZADD', callers_key, now, call.caller)
redis.call('ZREMRANGEBYSCORE', callers_key, '-inf', now - rules.caller_s)
redis.call('EXPIRE', callers_key, rules.keep_s)
local callers = redis.call('ZCARD', callers_key)

local state = {}
local flat = redis.call('HGETALL', state_key)
for i = 1, #flat, 2 do state[flat[i]] = tonumber(flat[i + 1]) end
if (state.latest or 0) > now + rules.window_s then
  redis.call('DEL', state_key, log_key)  -- a failover to a server whose clock is behind
  state = {}
end
local function seconds(number) return string.format('%.6f', number) end

-- What a 429 taught: a factor below 1, which grows back while none comes. Where no quota is known, also a quota, and
-- how much of it was too much: just below that the factor stays for a while, so that not every minute ends in a 429.
local grown_s = math.max(0, now - (state.cut_at or now))
local factor = (state.factor or 1) * rules.growth ^ (grown_s / rules.growth_s)
if state.ceiling and factor > state.ceiling then
  local there_s = rules.growth_s * math.log(math.max(1, state.ceiling / state.factor)) / math.log(rules.growth)
  factor = state.ceiling * rules.growth ^ (math.max(0, grown_s - there_s - rules.held_s) / rules.growth_s)
end
redis.call('HSET', state_key, 'now', string.format('%.6f', factor))
local quotas = {}
for _, what in ipairs(WHAT) do
  if call.per_minute[what] > 0 then quotas[what] = math.max(1, call.per_minute[what] * math.min(1, factor)) end
end
if next(quotas) == nil and state.learned then quotas.requests = math.max(1, state.learned * factor) end

local function for_bulk(quota)
  if quota < rules.smallest_shared then return quota end
  return quota - math.max(1, math.floor(quota * rules.kept_share))
end

local limits, steps = {}, {}
for what, quota in pairs(quotas) do
  limits[what] = call.is_question and quota or for_bulk(quota)
  cost[what] = math.min(cost[what], limits[what])  -- one that is larger than the quota goes when nothing else does
  steps[what] = cost[what] * rules.window_s / for_bulk(quota)
end

local line = call.is_question and 'asked:' or 'sent:'
local ahead_s = call.is_question and rules.question_ahead_s or rules.bulk_ahead_s
local at = math.max(now, state.blocked_until or 0)
for what in pairs(quotas) do at = math.max(at, (state[line .. what] or 0) - ahead_s) end

local used = {}
for _, what in ipairs(WHAT) do used[what] = state['used:' .. what] or 0 end
local function fits()
  for what, limit in pairs(limits) do
    if used[what] + cost[what] > limit then return false end
  end
  return true
end

local left = 0  -- requests at the head of the log that have left the window by `at`
while true do
  local entry = redis.call('LINDEX', log_key, left)
  if not entry then break end
  local sent_at, requests, texts, tokens = string.match(entry, '(%S+) (%S+) (%S+) (%S+)')
  local leaves_at = sent_at + rules.window_s
  if leaves_at > at then
    if fits() then break end
    at = leaves_at
  end
  used.requests, used.texts, used.tokens = used.requests - requests, used.texts - texts, used.tokens - tokens
  left = left + 1
end

local wait_s = at - now
if wait_s > (call.is_question and rules.question_wait_s or rules.bulk_wait_s) then
  -- Turned away: each is told to come back one step after the one before, so that they do not all come at once.
  local back_at = math.max(at, state.back_at or 0)
  local step = 0
  for _, one in pairs(steps) do step = math.max(step, one) end
  if back_at - now < rules.longest_wait_s then
    redis.call('HSET', state_key, 'back_at', seconds(back_at + step))
    redis.call('EXPIRE', state_key, rules.keep_s)
  end
  return {0, seconds(back_at - now), callers}
end

if left > 0 then redis.call('LTRIM', log_key, left, -1) end
redis.call('RPUSH', log_key, table.concat({seconds(at), cost.requests, cost.texts, cost.tokens}, ' '))
for _, what in ipairs(WHAT) do
  redis.call('HSET', state_key, 'used:' .. what, seconds(used[what] + cost[what]))
end
for what, step in pairs(steps) do
  redis.call('HSET', state_key, 'sent:' .. what, seconds(math.max(at, state['sent:' .. what] or 0) + step))
  if call.is_question then
    redis.call('HSET', state_key, 'asked:' .. what, seconds(math.max(at, state['asked:' .. what] or 0) + step))
  end
end
redis.call('HSET', state_key, 'latest', seconds(math.max(at, state.latest or 0)))
redis.call('EXPIRE', state_key, rules.keep_s)
redis.call('EXPIRE', log_key, rules.keep_s)
return {1, seconds(wait_s), callers}
