-- What the wearer sees, and the few sounds that the glasses make by themselves.

local light = 0

local function colour(rgb)
    if not IS_FRAME then
        return rgb
    end
    return { color = rgb == 0 and 'VOID' or 'WHITE' }
end

local function draw_light()
    if not IS_FRAME then
        frame.display.circle(128, 246, 5, light, true)
    end
end

local function clear()
    if IS_FRAME then
        frame.display.text(' ', 1, 1)
    else
        frame.display.clear(0)
        draw_light()
    end
    frame.display.show()
end

local function draw_text(data)
    -- [lines], each [x, 2 bytes][y, 2 bytes][size in 8 pixels][red][green][blue][length][characters]
    if not IS_FRAME then
        frame.display.clear(0)
        draw_light()
    end
    local at = 2
    for _ = 1, string.byte(data, 1) do
        local x, y, size, r, g, b, length = string.unpack('>HHBBBBB', data, at)
        if not IS_FRAME then
            frame.display.set_font(0, 8 * size, 1)
        end
        frame.display.text(string.sub(data, at + 9, at + 8 + length), x, y, colour(r << 16 | g << 8 | b))
        at = at + 9 + length
    end
    frame.display.show()
end

local function unpacked(data)
    local parts = {}
    frame.compression.process_function(function(block)
        parts[#parts + 1] = block
    end)
    frame.compression.decompress(data, 4096)
    frame.compression.process_function(nil)
    return table.concat(parts)
end

local function draw_picture(data)
    -- [last strip?][x, 2 bytes][y, 2 bytes], then a sprite as the vendor's library packs it
    local is_last, x, y, width, _, compressed, _, colours = string.unpack('>BHHHHBBB', data)
    local palette = string.sub(data, 13, 12 + 3 * colours)
    local pixels = string.sub(data, 13 + 3 * colours)
    if compressed > 0 then
        pixels = unpacked(pixels)
    end
    if IS_FRAME then
        local names = { 'VOID', 'WHITE', 'GREY', 'RED', 'PINK', 'DARKBROWN', 'BROWN', 'ORANGE', 'YELLOW', 'DARKGREEN',
            'GREEN', 'LIGHTGREEN', 'NIGHTBLUE', 'SEABLUE', 'SKYBLUE', 'CLOUDBLUE' }
        for i = 1, colours do
            frame.display.assign_color(names[i], string.byte(palette, 3 * i - 2, 3 * i))
        end
        frame.display.bitmap(x, y, width, colours, 0, pixels)
    else
        frame.display.bitmap(x, y, width, colours, 0, pixels, { palette_data = palette })
    end
    if is_last > 0 then
        frame.display.show()
    end
end

local function sound(kind)
    if frame.sound then -- the seed makes it the same sound every time
        try(frame.sound.play_async, kind == 1 and 'hit' or 'pickup', { seed = 7, duration_ms = 300, volume = 30 })
    end
end

local function say(text)
    try(clear)
    if not IS_FRAME then
        try(frame.display.set_font, 0, 16, 1)
    end
    try(frame.display.text, text, IS_FRAME and 200 or 30, 122, colour(0xFFFFFF))
    try(frame.display.show)
end
