-- Note that the provider refused a request: nobody sends one until it may be sent, and after that more slowly.
--
-- KEYS  state (hash), log (list): those of acquire.lua
-- ARGV  a JSON object: rules (the figures of redis.py), per_minute (0: not known), retry_after_s

local state_key, log_key = KEYS[1], KEYS[2]
local call = cjson.decode(ARGV[1])
local rules = call.rules

local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local state = {}
local flat = redis.call('HGETALL', state_key)
for i = 1, #flat, 2 do state[flat[i]] = tonumber(flat[i + 1]) end
local function set(field, number) redis.call('HSET', state_key, field, string.format('%.6f', number)) end

local blocked_until = math.max(state.blocked_until or 0, now + call.retry_after_s)

-- Requests that were under way together are refused together: they teach once.
if now > math.max(state.blocked_until or 0, (state.taught_at or 0) + rules.together_s) then
  local grown_s = math.max(0, now - (state.cut_at or now))
  local factor = state.now or 1
  local is_known = false
  for _, number in pairs(call.per_minute) do is_known = is_known or number > 0 end
  if is_known then
    factor = math.min(1, factor)
  elseif not state.learned or factor > rules.learn_anew_above then
    -- What was let through in a minute is about what the provider lets through.
    local count = 0
    for _, entry in ipairs(redis.call('LRANGE', log_key, 0, -1)) do
      local sent_at = string.match(entry, '%S+') + 0
      if sent_at > now - rules.window_s and sent_at <= now then count = count + 1 end
    end
    set('learned', math.max(rules.least_learned, count))
    factor = 1
  end
  if not is_known then set('ceiling', factor * rules.held_below) end
  local is_soon = state.cut_at and grown_s < rules.growth_s
  local cut = is_soon and rules.deep_cut or is_known and rules.cut_of_known or rules.cut
  factor = math.max(rules.least_factor, factor * cut)
  set('factor', factor)
  set('now', factor)
  set('taught_at', now)
end

-- After the block all begin at their pace, none ahead of it.
set('blocked_until', blocked_until)
set('cut_at', blocked_until)
for _, what in ipairs({'requests', 'texts', 'tokens'}) do
  set('sent:' .. what, math.max(state['sent:' .. what] or 0, blocked_until + rules.bulk_ahead_s))
  set('asked:' .. what, math.max(state['asked:' .. what] or 0, blocked_until + rules.question_ahead_s))
end
redis.call('EXPIRE', state_key, math.ceil(math.max(rules.keep_s, blocked_until - now + rules.keep_s)))
