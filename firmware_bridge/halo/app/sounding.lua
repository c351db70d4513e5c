-- The microphone, whose frames are numbered, so that the host knows what is missing; and the speaker, whose sound comes on
-- a channel of its own, past this app.

local microphone = { on = false, stream = 0 }
local speaker_on = false

local function stop_microphone()
    microphone.on = false
    try(frame.microphone.stop)
end

local function start_microphone(stream, codec, rate)
    -- codec: 0 off, 1 LC3 at `rate` times 8 kbit/s in frames of 10 ms, 2 PCM of 16 bits, 3 PCM of 8 bits, 5 ms each
    if codec > 0 and microphone.on and microphone.stream == stream then
        return
    end
    stop_microphone()
    microphone = { on = false, stream = stream, codec = codec, rate = rate, rest = '', number = 0 }
    if codec == 0 then
        return
    end
    local settings = { sample_rate = 16000, bit_depth = codec == 3 and 8 or 16, channels = 1, encoder = 'pcm' }
    microphone.size = codec == 3 and 80 or 160
    if codec == 1 then
        settings.encoder, settings.duration, settings.bitrate = 'lc3', 1000, 8000 * rate
        microphone.size = 10 * rate
    end
    settings.aec = true
    frame.microphone.start(settings)
    microphone.sent_at = now()
    microphone.on = true
end

local function pump_microphone()
    local m = microphone
    if not m.on then
        return
    end
    local most = math.max(1, (room() - 4) // m.size)
    for _ = 1, 8 do
        local ok, data = try(frame.microphone.read, 240) -- whole frames of LC3, at every rate that is used
        if not ok or data == nil then
            stop_microphone()
            failed(MICROPHONE, ok and 'stopped' or data)
            return
        end
        m.rest = m.rest .. data
        local whole = #m.rest // m.size
        if whole >= most or (whole > 0 and now() - m.sent_at > 0.04) then
            local count = math.min(whole, most)
            send(string.pack('>BBH', AUDIO, m.stream, m.number) .. string.sub(m.rest, 1, count * m.size))
            m.rest = string.sub(m.rest, count * m.size + 1)
            m.number = (m.number + count) & 0xFFFF
            m.sent_at = now()
        elseif data == '' then
            return
        end
    end
end

local function set_speaker(codec, rate, volume)
    if codec == 0 or frame.speaker == nil then
        speaker_on = false
        if frame.speaker then
            try(frame.speaker.stop)
        end
    else
        local settings = { sample_rate = 16000, channels = 1, volume = volume, encoder = 'pcm' }
        if codec == 1 then
            settings.encoder, settings.duration, settings.bitrate = 'lc3', 1000, 8000 * rate
        end
        frame.speaker.start(settings)
        speaker_on = true
    end
    send(string.char(SPOKEN, speaker_on and 1 or 0))
end
