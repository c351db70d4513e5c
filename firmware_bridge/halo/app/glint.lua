-- The host: whether there is one, what it wants, and what it is told unasked. And the loop.

local QUIET_S = 6 -- a host that has not said anything for so long is gone, whatever the radio says
local AGAIN_S, UNHEARD_S = 0.7, 2.5 -- a click that the host does not confirm is sent again, and given up
local MOST_FAULTS = 20 -- steps that fail one after the other, until the app ends: the host starts it anew

local KINDS = { single = 1, double = 2, triple = 3 }

local version = '00000000'
local linked, lost_once = false, false -- a host has greeted; it, or one before it, has gone away
local clicks = 0
local unheard = nil -- the last click, until the host confirms it

local function battery()
    local ok, level = try(frame.battery_level)
    return ok and math.floor(level) or 255
end

local function status()
    send(string.char(STATUS, battery(), microphone.on and 1 or 0, microphone.stream, speaker_on and 1 or 0, clicks))
end

local function let_go()
    stop_microphone()
    speaker_on, photo = false, nil
    if frame.speaker then
        try(frame.speaker.stop)
    end
end

local function lose()
    linked, lost_once = false, true
    let_go()
    partial = {}
    try(frame.stay_awake, false)
    sound(1)
    say('No Glint')
end

local function greet(again)
    let_go()
    photo_number = -1
    unheard = nil
    send(string.char(HELLO_BACK, clicks) .. version .. frame.HARDWARE_VERSION .. '|' .. tostring(frame.FIRMWARE_VERSION))
    if lost_once or again then
        sound(2)
    end
    lost_once, linked = false, true
    try(frame.stay_awake, true)
    try(clear)
    status()
end

local handlers = {
    [HELLO] = function(data) greet(string.byte(data, 1) == 1) end,
    [PING] = status,
    [CAPTURE] = function(data) start_photo(string.unpack('>BBH', data)) end,
    [MICROPHONE] = function(data) start_microphone(string.byte(data, 1, 3)) end,
    [SPEAKER] = function(data) set_speaker(string.byte(data, 1, 3)) end,
    [TEXT] = draw_text,
    [PICTURE] = draw_picture,
    [LIGHT] = function(data)
        light = string.byte(data, 1) << 16 | string.byte(data, 2) << 8 | string.byte(data, 3)
        draw_light()
    end,
    [SOUND] = function(data) sound(string.byte(data, 1)) end,
    [CLEAR] = clear,
    [CLICKED] = function(data)
        if string.byte(data, 1) == clicks then
            unheard = nil
        end
    end,
}

local function no_answer(text)
    unheard = nil
    sound(1)
    say(text)
    if linked then -- the host must know that its picture is gone
        failed(CLEAR, text)
    end
end

local function click(kind)
    return function() -- sends nothing itself: it may have come in between the two halves of something
        clicks = (clicks + 1) % 256
        unheard = { kind = kind, since = now(), sent_at = 0 }
    end
end

local function pump_click()
    local c = unheard
    if c == nil then
        return
    end
    if not linked then
        no_answer('No Glint')
    elseif now() - c.since > UNHEARD_S then
        no_answer('No answer')
    elseif now() - c.sent_at > AGAIN_S then
        c.sent_at = now()
        send(string.char(CLICK, c.kind, clicks))
    end
end

local function step()
    while first <= last do
        local code, data = inbox[first][1], inbox[first][2]
        inbox[first] = nil
        first = first + 1
        if data == nil then
            failed(code, 'garbled')
        elseif handlers[code] and (linked or code == HELLO) then
            local ok, err = try(handlers[code], data)
            if not ok then
                failed(code, err)
            end
        end
    end
    if linked and (not connected() or now() - heard_at > QUIET_S) then
        lose()
    end
    local ok, err = try(pump_microphone)
    if not ok then
        stop_microphone()
        failed(MICROPHONE, err)
    end
    ok, err = try(pump_photo)
    if not ok then
        photo = nil
        failed(CAPTURE, err)
    end
    try(pump_click)
    mind_camera()
    frame.sleep(photo and 0.001 or microphone.on and 0.005 or 0.02)
end

local function tap(kind)
    if linked then
        send(string.char(TAP) .. (KINDS[kind] and string.char(KINDS[kind]) or ''))
    end
end

local function begin()
    local ok, file = try(frame.file.open, 'glint.ver', 'r')
    if ok and file then
        version = string.match(file:read() or '', '%x+') or version
        file:close()
    end
    if frame.button then
        frame.button.single(click(1))
        frame.button.double(click(2))
        frame.button.long(click(3))
    end
    try(frame.imu.tap_callback, tap)
    if not IS_FRAME then
        try(frame.display.power_save, false)
    end
    frame.bluetooth.receive_callback(receive)
end

local function finish()
    pcall(let_go)
    pcall(frame.bluetooth.receive_callback, nil)
    pcall(frame.imu.tap_callback, nil)
    if frame.button then
        pcall(frame.button.single, nil)
        pcall(frame.button.double, nil)
        pcall(frame.button.long, nil)
    end
end

begin()
print('glint ready')
local faults = 0
while true do
    local ok, err = pcall(step)
    faults = ok and 0 or faults + 1
    if not ok and (interrupted(err) or faults > MOST_FAULTS) then
        finish()
        error(err, 0)
    end
end
