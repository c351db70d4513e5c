"""The vendor's own library, unmodified, on emulated glasses: a whole day without faults, and what each fault does."""

import asyncio
import io

import numpy as np
import pytest
from brilliant_msg import BrilliantMsg, RxAudio, RxClick, RxPhoto, TxCaptureSettings
from PIL import Image

from sim.radio import DOWN, UP, EmulatedHalo, Storm, fake_bluetooth, run_fast

APP = """
local data = require('data.min')
local camera = require('camera.min')
frame.button.single(function() frame.bluetooth.send(string.char(0x0B, 1)) end)
frame.imu.tap_callback(function(kind) frame.bluetooth.send(string.char(0x09, kind == 'double' and 2 or 1)) end)
frame.camera.power_save(false)
local LC3 = { encoder = 'lc3', sample_rate = 16000, bitrate = 32000 }
local on = false
print('ready')
while true do
    local ok, why = pcall(function()
        for _, item in ipairs(data.process_raw_items()) do
            local code, body = item[1], item[2]
            if code == 0x0D then camera.capture_and_send(camera.parse_capture_settings(body)) end
            if code == 0x30 then frame.microphone.start(LC3) on = true end
            if code == 0x31 then frame.microphone.stop() end
            if code == 0x32 then frame.display.text(body, 10, 100) end
            if code == 0x33 then frame.speaker.start(LC3) end
        end
        if on then
            local sound = frame.microphone.read(240)
            if sound == nil then
                on = false
                frame.bluetooth.send('\\x06')
            elseif sound ~= '' then
                frame.bluetooth.send('\\x05' .. sound)
            end
        end
        frame.sleep(0.01)
    end)
    if not ok then print(why) break end
end
"""
PHOTO = TxCaptureSettings(resolution=640).pack()


async def started(firmware="0.8.12"):
    """A client whose app runs on the glasses."""
    client = BrilliantMsg()
    if firmware == "0.8.8":
        client.ble.receive_buffer_size = 1
    await client.connect()
    await client.upload_stdlua_libs(["data", "camera"])
    await client.ble.upload_file_from_string(APP, "frame_app.lua")
    assert await client.ble.send_lua("require('frame_app')", await_print=True) == "ready"
    return client


def day(story, **made):
    """Plays `story(client, halo, air)` on glasses of that make."""

    async def play():
        halo = EmulatedHalo(**made)
        with fake_bluetooth([halo]) as air:
            return await story(await started(halo.machine.firmware), halo, air)

    return run_fast(play())


async def photo(client, timeout=10.0):
    receiver = RxPhoto(upright=False)
    queue = await receiver.attach(client)
    try:
        await client.send_message(0x0D, PHOTO)
        return await asyncio.wait_for(queue.get(), timeout)
    finally:
        receiver.detach(client)


@pytest.mark.parametrize(("mtu", "firmware"), [(512, "0.8.12"), (247, "0.8.9"), (185, "0.8.8")])
def test_a_whole_day_over_the_radio(mtu, firmware):
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:, 320:] = (250, 30, 30)

    async def story(client, halo, air):
        clicks = await RxClick().attach(client)
        halo.press()
        assert await asyncio.wait_for(clicks.get(), 1) == 1

        jpeg = await photo(client)
        assert jpeg == halo.machine.camera.taken[-1]
        seen = np.asarray(Image.open(io.BytesIO(jpeg)))
        assert seen[240, 600, 0] > 200
        assert seen[240, 40].max() < 40

        sounds = await RxAudio().attach(client)
        await client.send_message(0x30, b"")
        halo.hear(0.5 * np.sin(np.arange(16_000) * 2 * np.pi * 440 / 16_000).astype(np.float32))
        await asyncio.sleep(1.5)
        assert halo.listening
        await client.send_message(0x31, b"")
        heard = await asyncio.wait_for(sounds.get(), 1)
        assert not halo.listening
        assert 1.4 < len(heard) / 4_000 < 1.6  # seconds of LC3 at 32 kbit/s

        await client.send_message(0x32, b"Hello")
        await client.send_message(0x33, b"")
        await client.wait_for_acks()
        assert halo.showing == ["Hello"]
        assert np.asarray(halo.screen())[95:120, :60, :3].max() > 200
        packet = min(mtu - 3, 240) // 40 * 40
        for start in range(0, len(heard) // 40 * 40, packet):
            await client.send_audio(heard[start : start + packet])
            await asyncio.sleep(packet / 4_000 * 0.9)
        await asyncio.sleep(0.5)
        spoken = halo.spoken()
        assert 1.4 < len(spoken) / 16_000 < 1.7
        spectrum = np.abs(np.fft.rfft(spoken))
        assert abs(np.argmax(spectrum) * 16_000 / len(spoken) - 440) < 3

        await client.stop_frame_app(reset=False)
        assert await client.send_lua("print(1 + 1)", await_print=True) == "2"
        halo.drop()
        await asyncio.sleep(0.1)
        assert not client.is_connected()
        await client.connect(initialize=False)
        halo.reboot()
        await asyncio.sleep(2)
        await client.connect()
        found = await client.send_lua("print(frame.file.open('frame_app.lua', 'r'):read() ~= nil)", await_print=True)
        assert found == "true"
        assert halo.machine.errors == []

    day(story, mtu=mtu, firmware=firmware, picture=picture)


def test_it_runs_in_real_time_on_any_loop():
    async def play():
        halo = EmulatedHalo()
        with fake_bluetooth([halo]):
            client = BrilliantMsg()
            assert await client.connect(initialize=False) == "Halo 4F"
            begun = asyncio.get_running_loop().time()
            assert await client.send_lua("frame.sleep(0.2) print(7)", await_print=True) == "7"
            assert 0.2 < asyncio.get_running_loop().time() - begun < 2
            await client.disconnect()

    asyncio.run(play())


def test_packets_dropped_on_the_way_to_the_glasses():
    async def story(client, halo, air):
        halo.link.storms.append(Storm(drop=1.0, ways=(UP,)))
        await client.send_message(0x32, b"Hello")
        with pytest.raises(Exception, match="didn't respond"):
            await client.wait_for_acks(timeout=1)
        assert halo.showing == []
        assert halo.link.counts["dropped"] == 1

    day(story)


def test_packets_dropped_on_the_way_from_the_glasses():
    async def story(client, halo, air):
        halo.link.storms.append(Storm(drop=1.0, ways=(DOWN,)))
        await client.send_message(0x32, b"Hello")
        with pytest.raises(Exception, match="didn't respond"):
            await client.wait_for_acks(timeout=1)
        assert halo.showing == ["Hello"]

    day(story)


def test_packets_doubled():
    async def story(client, halo, air):
        clicks = await RxClick().attach(client)
        halo.link.storms.append(Storm(double=1.0))
        halo.press()
        await asyncio.sleep(0.5)
        assert clicks.qsize() == 2
        await client.send_message(0x32, b"Hello")
        await asyncio.sleep(0.5)
        assert [text for _, text in halo.texts] == ["Hello", "Hello"]

    day(story)


def test_packets_merged():
    async def story(client, halo, air):
        whole = await photo(client)
        halo.link.storms.append(Storm(halo.now() + 0.3, halo.now() + 0.38, merge=0.5, ways=(DOWN,)))
        spoilt = await photo(client)  # the vendor's library cannot tell
        assert halo.link.counts["merged"] > 0
        assert len(spoilt) > len(whole)  # a marker and a code in the middle of the picture
        assert spoilt != halo.machine.camera.taken[-1]

    day(story)


def test_packets_swapped():
    async def story(client, halo, air):
        halo.link.storms.append(Storm(halo.now() + 0.3, halo.now() + 0.38, swap=0.5, ways=(DOWN,)))
        spoilt = await photo(client)
        assert halo.link.counts["swapped"] > 0
        assert sorted(spoilt) == sorted(halo.machine.camera.taken[-1])
        assert spoilt != halo.machine.camera.taken[-1]

    day(story)


def test_old_firmware_forgets_where_a_packet_ends():
    async def story(client, halo, air):
        halo.stall(1.0)
        for _ in range(2):
            await client.ble.send_data(bytearray(b"\x32\x00\x02Hi"))
        await asyncio.sleep(2)
        return halo.showing

    assert day(story, firmware="0.8.12") == ["Hi", "Hi"]
    assert day(story, firmware="0.8.8") == []  # one packet, longer than it says


def test_a_spoilt_photo():
    async def story(client, halo, air):
        halo.spoil_photo(lambda jpeg: jpeg[:900])
        assert len(await photo(client)) == 900
        assert await photo(client) == halo.machine.camera.taken[-1]
        lines = []
        client.attach_print_response_handler(lines.append)
        halo.spoil_photo(lambda jpeg: None)
        with pytest.raises(asyncio.TimeoutError):
            await photo(client, timeout=2)
        assert lines == ["Capture error occurred"]

    day(story)


def test_the_camera_takes_what_the_firmware_takes():
    async def story(client, halo, air):
        await client.stop_frame_app(reset=False)

        async def refused(call):
            return await client.send_lua(f"local ok, why = pcall({call}) print(why)", await_print=True)

        await client.send_lua("frame.camera.power_save(true)")
        assert await refused("frame.camera.capture, {resolution = 640}") == "camera is asleep"
        await client.send_lua("frame.camera.power_save(false)")
        assert await refused("frame.camera.capture, {resolution = 512}") == "camera resolution not supported"

    day(story)


def test_a_link_that_drops_and_a_host_that_learns_of_it_late():
    async def story(client, halo, air):
        await client.send_message(0x30, b"")
        await asyncio.sleep(0.2)
        assert halo.listening
        halo.drop(host_knows_s=2.0)
        assert not halo.listening  # the firmware sees to that
        assert client.is_connected()
        await asyncio.sleep(2.1)
        assert not client.is_connected()
        await client.connect(initialize=False)
        assert client.is_connected()

    day(story)


def test_an_app_that_stalls_answers_again_later():
    async def story(client, halo, air):
        halo.stall(5.0)
        await client.send_message(0x32, b"Hello")
        with pytest.raises(Exception, match="didn't respond"):
            await client.wait_for_acks(timeout=1)
        await asyncio.sleep(5)
        assert halo.showing == ["Hello"]

    day(story)


def test_an_app_that_crashes_says_so_and_leaves_the_repl():
    async def story(client, halo, air):
        lines = []
        client.attach_print_response_handler(lines.append)
        halo.crash("attempt to index a nil value")
        await asyncio.sleep(0.5)
        assert "attempt to index a nil value" in lines
        assert await client.send_lua("print('alive')", await_print=True) == "alive"

    day(story)


def test_a_break_ends_code_that_catches_errors():
    async def story(client, halo, air):
        await client.stop_frame_app(reset=False)
        await client.send_lua("while true do pcall(function() while true do end end) end")
        await asyncio.sleep(0.5)
        await client.send_break_signal()
        await client.drain_print_channel()
        assert await client.send_lua("print('alive')", await_print=True) == "alive"

    day(story)


def test_scans_that_find_nothing_connections_that_fail_and_no_bluetooth():
    async def play():
        halo = EmulatedHalo(name="Halo 07")
        with fake_bluetooth([halo]) as air:
            client = BrilliantMsg()
            with pytest.raises(Exception, match="No matching device"):
                await client.connect(name="Halo 08", initialize=False)
            halo.hide(30.0)
            with pytest.raises(Exception, match="No matching device"):
                await client.connect(initialize=False)
            await asyncio.sleep(30)
            halo.refusals = 1
            with pytest.raises(Exception, match="Error connecting"):
                await client.connect(initialize=False)
            air.off_until = halo.now() + 1
            with pytest.raises(Exception, match="No Bluetooth adapters"):
                await client.connect(initialize=False)
            await asyncio.sleep(1)
            assert await client.connect(initialize=False) == "Halo 07"

    run_fast(play())


def test_glasses_that_do_not_know_the_host_let_it_in_once_they_pair():
    async def play():
        halo = EmulatedHalo(bonded=False)
        with fake_bluetooth([halo]):
            import bleak

            client = BrilliantMsg()
            with pytest.raises(asyncio.TimeoutError, match="paired"):
                await client.connect(initialize=False)
            halo.pair()
            device = await bleak.BleakScanner.find_device_by_filter(lambda device, said: True)
            pairing = bleak.BleakClient(device, pair=True)
            await pairing.connect()
            await pairing.disconnect()
            assert await client.connect(initialize=False) == "Halo 4F"

    run_fast(play())


def test_what_does_not_fit_into_the_speaker_is_lost():
    async def story(client, halo, air):
        await client.send_message(0x33, b"")
        await client.wait_for_acks()
        for _ in range(80):
            await client.send_audio(bytes(200))
        await asyncio.sleep(4)
        assert halo.machine.speaker.lost > 0
        assert len(halo.spoken()) / 16_000 < 4

    day(story, mtu=247)


def test_the_battery_is_read_as_a_characteristic():
    async def story(client, halo, air):
        halo.battery = 0.07
        read = await client.ble._client.read_gatt_char("00002a19-0000-1000-8000-00805f9b34fb")
        assert list(read) == [7]

    day(story)
