/* A Modbus device by libmodbus (Debian's libmodbus-dev). usage: libmodbus_server tcp | rtu TTY
   Unit 17. Holding register n holds 1000+n, input register n holds 2000+n, coils and discrete inputs are on where n is a multiple of 3; 100 of
   each. Holding registers 50 to 57 hold the float 230.5 as ABCD, CDAB, BADC and DCBA. It prints its port, or 0, and is ended from outside. */
#include <errno.h>
#include <arpa/inet.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void fill(modbus_mapping_t *m) {
    for (int n = 0; n < 100; n++) {
        m->tab_registers[n] = 1000 + n;
        m->tab_input_registers[n] = 2000 + n;
        m->tab_bits[n] = m->tab_input_bits[n] = n % 3 == 0;
    }
    /* By hand: modbus_set_float_abcd and its sisters of version 3.1.6 swap the bytes of each register. */
    static const uint16_t floats[] = {0x4366, 0x8000, 0x8000, 0x4366, 0x6643, 0x0080, 0x0080, 0x6643};
    memcpy(m->tab_registers + 50, floats, sizeof floats);
}

static void serve(modbus_t *ctx, modbus_mapping_t *m) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    for (;;) {
        int n = modbus_receive(ctx, query);
        if (n > 0)
            modbus_reply(ctx, query, n, m);
        else if (n < 0 && modbus_get_socket(ctx) < 0)
            return;
        else if (n < 0 && errno != EMBBADCRC && errno != ETIMEDOUT && errno != EMBBADDATA)
            return;
    }
}

int main(int argc, char **argv) {
    modbus_mapping_t *m = modbus_mapping_new(100, 100, 100, 100);
    fill(m);
    if (argc > 2 && strcmp(argv[1], "rtu") == 0) {
        modbus_t *ctx = modbus_new_rtu(argv[2], 19200, 'N', 8, 1);
        modbus_set_slave(ctx, 17);
        if (modbus_connect(ctx) < 0) {
            perror("libmodbus");
            return 1;
        }
        puts("0");
        fflush(stdout);
        for (;;)
            serve(ctx, m);
    }
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", 0);
    int s = modbus_tcp_listen(ctx, 1);
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    if (s < 0 || getsockname(s, (struct sockaddr *)&at, &len) < 0) {
        perror("libmodbus");
        return 1;
    }
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        if (modbus_tcp_accept(ctx, &s) < 0)
            return 1;
        serve(ctx, m);
        modbus_close(ctx);
    }
}
