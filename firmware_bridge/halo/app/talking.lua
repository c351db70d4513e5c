-- Glint on the glasses: button, taps, photos, microphone, speaker, display and battery, as messages to and from the
-- host (see docs/halo.md). Knows nothing of what is asked or answered.
--
-- The parts in this folder are sent as one file, glint.lua, in the order of firmware_bridge/halo/app_source.py, and see
-- each other's locals. It is started by require('glint') and ends on a break. Everything runs on the one Lua thread:
-- receive() may come in between any two instructions, so it only puts aside what came. Whatever the host does, a
-- microphone is never on without a host.
--
-- This part: messages to and from the host.

local IS_FRAME = frame.HARDWARE_VERSION == 'Frame'

local HELLO, PING, CAPTURE, MICROPHONE, SPEAKER = 0x20, 0x21, 0x22, 0x23, 0x24
local TEXT, PICTURE, LIGHT, SOUND, CLEAR, CLICKED = 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A
local TAP, CLICK = 0x09, 0x0B -- as the vendor's library has them
local AUDIO, PHOTO, PHOTO_END, FAILED, STATUS, HELLO_BACK, SPOKEN = 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36

local SENDING_S = 0.5 -- what one packet is tried for
local MOST_BYTES = 240 -- of a packet: with its marker it fills one packet of the link layer

local now = frame.time.utc

local heard_at = now()
local inbox, first, last = {}, 1, 0
local partial = {}

-- A break of the host's must get through to the top; everything else is a fault of one step.
local function interrupted(err)
    return type(err) == 'string' and string.find(err, 'interrupted$') ~= nil
end

local function try(f, ...)
    local ok, result = pcall(f, ...)
    if not ok and interrupted(result) then
        error(result, 0)
    end
    return ok, result
end

local function connected()
    local ok, up = try(frame.bluetooth.is_connected)
    return ok and up
end

local function send(data)
    local latest = now() + SENDING_S
    repeat
        if try(frame.bluetooth.send, data) then
            return true
        end
        if not connected() then
            return false
        end
        frame.sleep(0.002)
    until now() > latest
    return false
end

local function room()
    local ok, most = try(frame.bluetooth.max_length)
    return math.min(ok and most or 20, MOST_BYTES)
end

local function failed(what, why)
    send(string.char(FAILED, what) .. string.sub(tostring(why), 1, room() - 2))
end

-- From the host come [code][length, 2 bytes][data], then [code][data]; every packet is acknowledged.

local function take(data)
    local code = string.byte(data, 1)
    for other in pairs(partial) do
        if other ~= code then -- the host sends one message after the other: the rest of that one is lost
            partial[other] = nil
        end
    end
    local message = partial[code]
    if code == HELLO then -- fits into one packet, and begins anew
        message = nil
    end
    if message == nil then
        if #data < 3 then
            return
        end
        message = { string.sub(data, 4), size = string.byte(data, 2) << 8 | string.byte(data, 3), got = #data - 3 }
    else
        message[#message + 1] = string.sub(data, 2)
        message.got = message.got + #data - 1
    end
    if message.got < message.size then
        partial[code] = message
        return
    end
    partial[code] = nil
    last = last + 1
    inbox[last] = { code, message.got == message.size and table.concat(message) or nil }
end

local function receive(data)
    heard_at = now()
    local ok = try(take, data)
    send(ok and '\x01\x00\x00' or '\x01\x00\x01')
end
