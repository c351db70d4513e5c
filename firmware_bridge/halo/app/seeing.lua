-- Photos: one at a time, sent between the microphone's packets.

local CAMERA_AWAKE_S = 10 -- after the last photo
local READY_S = 3 -- what the camera may take for a photo

local QUALITIES = { 'VERY_LOW', 'LOW', 'MEDIUM', 'HIGH', 'VERY_HIGH' }

local photo, photo_number, camera_until = nil, -1, 0
local exposed_at = 0

local function start_photo(number, quality, resolution)
    if number == photo_number then -- the host's message came twice
        return
    end
    photo_number = number
    if frame.camera == nil then
        failed(CAPTURE, 'no camera')
        return
    end
    try(frame.camera.power_save, false)
    camera_until = now() + CAMERA_AWAKE_S
    frame.camera.capture({ resolution = IS_FRAME and resolution or 640, quality = QUALITIES[quality + 1] })
    photo = { number = number, index = 0, bytes = 0, since = now(), ready = false }
end

local function pump_photo()
    local p = photo
    if p == nil then
        return
    end
    if not p.ready then
        p.ready = frame.camera.image_ready()
        if not p.ready and now() - p.since > READY_S then
            photo = nil
            failed(CAPTURE, 'not ready')
        end
        return
    end
    for _ = 1, 4 do
        local data = frame.camera.read(room() - 4)
        if data == nil then
            photo = nil
            send(string.pack('>BBHI4', PHOTO_END, p.number, p.index, p.bytes))
            return
        elseif data ~= '' then
            if not send(string.pack('>BBH', PHOTO, p.number, p.index) .. data) then
                photo = nil
                failed(CAPTURE, 'not sent')
                return
            end
            p.index, p.bytes = p.index + 1, p.bytes + #data
        end
    end
end

local function mind_camera()
    if photo ~= nil or camera_until == 0 then
        return
    end
    if now() > camera_until then
        camera_until = 0
        try(frame.camera.power_save, true)
    elseif IS_FRAME and now() - exposed_at > 0.1 then -- Halo exposes by itself
        exposed_at = now()
        try(frame.camera.auto, {})
    end
end
