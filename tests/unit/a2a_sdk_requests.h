/* What the clients of @a2a-js/sdk 1.3.0 send for each operation, recorded: bindings JSON-RPC and REST, versions 1.0 and
 * 0.3. Task `t`, context `c`, configuration `p`. */
#ifndef TESTS_A2A_SDK_REQUESTS_H
#define TESTS_A2A_SDK_REQUESTS_H

static const struct {
    const char *version, *method, *path, *query, *body; /* no path: JSON-RPC */
} sdk_requests[] = {
    {"1.0", "POST", "", "",
     "{\"jsonrpc\":\"2.0\",\"method\":\"SendMessage\",\"params\":{\"message\":{\"messageId\":\"m\",\"contextId\":\"c\","
     "\"taskId\":\"t\",\"role\":\"ROLE_USER\",\"parts\":[{\"text\":\"hi\"}],\"referenceTaskIds\":[\"r\"]},"
     "\"configuration\":{\"acceptedOutputModes\":[\"text/plain\"],\"taskPushNotificationConfig\":{\"url\":\"https://"
     "h.example/"
     "n\",\"token\":\"tok\",\"authentication\":{\"scheme\":\"Bearer\",\"credentials\":\"s\"}},\"historyLength\":2}},"
     "\"id\":1}"},
    {"1.0", "POST", "", "",
     "{\"jsonrpc\":\"2.0\",\"method\":\"SendStreamingMessage\",\"params\":{\"message\":{\"messageId\":\"m\","
     "\"contextId\":\"c\",\"taskId\":\"t\",\"role\":\"ROLE_USER\",\"parts\":[{\"text\":\"hi\"}],\"referenceTaskIds\":["
     "\"r\"]},\"configuration\":{\"acceptedOutputModes\":[\"text/"
     "plain\"],\"taskPushNotificationConfig\":{\"url\":\"https://h.example/"
     "n\",\"token\":\"tok\",\"authentication\":{\"scheme\":\"Bearer\",\"credentials\":\"s\"}},\"historyLength\":2}},"
     "\"id\":2}"},
    {"1.0", "POST", "", "",
     "{\"jsonrpc\":\"2.0\",\"method\":\"GetTask\",\"params\":{\"id\":\"t\",\"historyLength\":3},\"id\":3}"},
    {"1.0", "POST", "", "", "{\"jsonrpc\":\"2.0\",\"method\":\"CancelTask\",\"params\":{\"id\":\"t\"},\"id\":4}"},
    {"1.0", "POST", "", "",
     "{\"jsonrpc\":\"2.0\",\"method\":\"ListTasks\",\"params\":{\"contextId\":\"c\",\"pageSize\":5},\"id\":5}"},
    {"1.0", "POST", "", "", "{\"jsonrpc\":\"2.0\",\"method\":\"SubscribeToTask\",\"params\":{\"id\":\"t\"},\"id\":6}"},
    {"1.0", "POST", "", "",
     "{\"jsonrpc\":\"2.0\",\"method\":\"CreateTaskPushNotificationConfig\",\"params\":{\"id\":\"p\",\"taskId\":\"t\","
     "\"url\":\"https://h.example/"
     "n\",\"token\":\"tok\",\"authentication\":{\"scheme\":\"Bearer\",\"credentials\":\"s\"}},\"id\":7}"},
    {"1.0", "POST", "", "",
     "{\"jsonrpc\":\"2.0\",\"method\":\"GetTaskPushNotificationConfig\",\"params\":{\"taskId\":\"t\",\"id\":\"p\"},"
     "\"id\":8}"},
    {"1.0", "POST", "", "",
     "{\"jsonrpc\":\"2.0\",\"method\":\"ListTaskPushNotificationConfigs\",\"params\":{\"taskId\":\"t\"},\"id\":9}"},
    {"1.0", "POST", "", "",
     "{\"jsonrpc\":\"2.0\",\"method\":\"DeleteTaskPushNotificationConfig\",\"params\":{\"taskId\":\"t\",\"id\":\"p\"},"
     "\"id\":10}"},
    {"1.0", "POST", "", "", "{\"jsonrpc\":\"2.0\",\"method\":\"GetExtendedAgentCard\",\"params\":{},\"id\":11}"},
    {"1.0", "POST", "/message:send", "",
     "{\"message\":{\"messageId\":\"m\",\"contextId\":\"c\",\"taskId\":\"t\",\"role\":\"ROLE_USER\",\"parts\":[{"
     "\"text\":\"hi\"}],\"referenceTaskIds\":[\"r\"]},\"configuration\":{\"acceptedOutputModes\":[\"text/"
     "plain\"],\"taskPushNotificationConfig\":{\"url\":\"https://h.example/"
     "n\",\"token\":\"tok\",\"authentication\":{\"scheme\":\"Bearer\",\"credentials\":\"s\"}},\"historyLength\":2}}"},
    {"1.0", "POST", "/message:stream", "",
     "{\"message\":{\"messageId\":\"m\",\"contextId\":\"c\",\"taskId\":\"t\",\"role\":\"ROLE_USER\",\"parts\":[{"
     "\"text\":\"hi\"}],\"referenceTaskIds\":[\"r\"]},\"configuration\":{\"acceptedOutputModes\":[\"text/"
     "plain\"],\"taskPushNotificationConfig\":{\"url\":\"https://h.example/"
     "n\",\"token\":\"tok\",\"authentication\":{\"scheme\":\"Bearer\",\"credentials\":\"s\"}},\"historyLength\":2}}"},
    {"1.0", "GET", "/tasks/t", "historyLength=3", ""},
    {"1.0", "POST", "/tasks/t:cancel", "", ""},
    {"1.0", "GET", "/tasks", "contextId=c&pageSize=5", ""},
    {"1.0", "POST", "/tasks/t:subscribe", "", ""},
    {"1.0", "POST", "/tasks/t/pushNotificationConfigs", "",
     "{\"id\":\"p\",\"taskId\":\"t\",\"url\":\"https://h.example/"
     "n\",\"token\":\"tok\",\"authentication\":{\"scheme\":\"Bearer\",\"credentials\":\"s\"}}"},
    {"1.0", "GET", "/tasks/t/pushNotificationConfigs/p", "", ""},
    {"1.0", "GET", "/tasks/t/pushNotificationConfigs", "", ""},
    {"1.0", "DELETE", "/tasks/t/pushNotificationConfigs/p", "", ""},
    {"1.0", "GET", "/extendedAgentCard", "", ""},
    {"0.3", "POST", "", "",
     "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"message/"
     "send\",\"params\":{\"message\":{\"kind\":\"message\",\"messageId\":\"m\",\"role\":\"user\",\"parts\":[{\"kind\":"
     "\"text\",\"text\":\"hi\"}],\"contextId\":\"c\",\"taskId\":\"t\",\"referenceTaskIds\":[\"r\"]},\"configuration\":{"
     "\"blocking\":true,\"acceptedOutputModes\":[\"text/"
     "plain\"],\"historyLength\":2,\"pushNotificationConfig\":{\"url\":\"https://h.example/"
     "n\",\"token\":\"tok\",\"authentication\":{\"schemes\":[\"Bearer\"],\"credentials\":\"s\"}}}}}"},
    {"0.3", "POST", "", "",
     "{\"id\":2,\"jsonrpc\":\"2.0\",\"method\":\"message/"
     "stream\",\"params\":{\"message\":{\"kind\":\"message\",\"messageId\":\"m\",\"role\":\"user\",\"parts\":[{"
     "\"kind\":\"text\",\"text\":\"hi\"}],\"contextId\":\"c\",\"taskId\":\"t\",\"referenceTaskIds\":[\"r\"]},"
     "\"configuration\":{\"blocking\":true,\"acceptedOutputModes\":[\"text/"
     "plain\"],\"historyLength\":2,\"pushNotificationConfig\":{\"url\":\"https://h.example/"
     "n\",\"token\":\"tok\",\"authentication\":{\"schemes\":[\"Bearer\"],\"credentials\":\"s\"}}}}}"},
    {"0.3", "POST", "", "",
     "{\"id\":3,\"jsonrpc\":\"2.0\",\"method\":\"tasks/get\",\"params\":{\"id\":\"t\",\"historyLength\":3}}"},
    {"0.3", "POST", "", "", "{\"id\":4,\"jsonrpc\":\"2.0\",\"method\":\"tasks/cancel\",\"params\":{\"id\":\"t\"}}"},
    {"0.3", "POST", "", "",
     "{\"id\":5,\"jsonrpc\":\"2.0\",\"method\":\"tasks/resubscribe\",\"params\":{\"id\":\"t\"}}"},
    {"0.3", "POST", "", "",
     "{\"id\":6,\"jsonrpc\":\"2.0\",\"method\":\"tasks/pushNotificationConfig/"
     "set\",\"params\":{\"taskId\":\"t\",\"pushNotificationConfig\":{\"url\":\"https://h.example/"
     "n\",\"id\":\"p\",\"token\":\"tok\",\"authentication\":{\"schemes\":[\"Bearer\"],\"credentials\":\"s\"}}}}"},
    {"0.3", "POST", "", "",
     "{\"id\":7,\"jsonrpc\":\"2.0\",\"method\":\"tasks/pushNotificationConfig/"
     "get\",\"params\":{\"id\":\"t\",\"pushNotificationConfigId\":\"p\"}}"},
    {"0.3", "POST", "", "",
     "{\"id\":8,\"jsonrpc\":\"2.0\",\"method\":\"tasks/pushNotificationConfig/list\",\"params\":{\"id\":\"t\"}}"},
    {"0.3", "POST", "", "",
     "{\"id\":9,\"jsonrpc\":\"2.0\",\"method\":\"tasks/pushNotificationConfig/"
     "delete\",\"params\":{\"id\":\"t\",\"pushNotificationConfigId\":\"p\"}}"},
    {"0.3", "POST", "", "", "{\"id\":10,\"jsonrpc\":\"2.0\",\"method\":\"agent/getAuthenticatedExtendedCard\"}"},
    {"0.3", "POST", "/v1/message:send", "",
     "{\"message\":{\"messageId\":\"m\",\"contextId\":\"c\",\"taskId\":\"t\",\"role\":\"ROLE_USER\",\"content\":[{"
     "\"text\":\"hi\"}]},\"configuration\":{\"acceptedOutputModes\":[\"text/"
     "plain\"],\"pushNotification\":{\"url\":\"https://h.example/"
     "n\",\"token\":\"tok\",\"authentication\":{\"schemes\":[\"Bearer\"],\"credentials\":\"s\"}},\"historyLength\":2,"
     "\"blocking\":true}}"},
    {"0.3", "POST", "/v1/message:stream", "",
     "{\"message\":{\"messageId\":\"m\",\"contextId\":\"c\",\"taskId\":\"t\",\"role\":\"ROLE_USER\",\"content\":[{"
     "\"text\":\"hi\"}]},\"configuration\":{\"acceptedOutputModes\":[\"text/"
     "plain\"],\"pushNotification\":{\"url\":\"https://h.example/"
     "n\",\"token\":\"tok\",\"authentication\":{\"schemes\":[\"Bearer\"],\"credentials\":\"s\"}},\"historyLength\":2,"
     "\"blocking\":true}}"},
    {"0.3", "GET", "/v1/tasks/t", "historyLength=3", ""},
    {"0.3", "POST", "/v1/tasks/t:cancel", "", ""},
    {"0.3", "GET", "/v1/tasks/t:subscribe", "", ""},
    {"0.3", "POST", "/v1/tasks/t/pushNotificationConfigs", "",
     "{\"name\":\"tasks/t/pushNotificationConfigs/p\",\"pushNotificationConfig\":{\"id\":\"p\",\"url\":\"https://"
     "h.example/n\",\"token\":\"tok\",\"authentication\":{\"schemes\":[\"Bearer\"],\"credentials\":\"s\"}}}"},
    {"0.3", "GET", "/v1/tasks/t/pushNotificationConfigs/p", "", ""},
    {"0.3", "GET", "/v1/tasks/t/pushNotificationConfigs", "", ""},
    {"0.3", "DELETE", "/v1/tasks/t/pushNotificationConfigs/p", "", ""},
    {"0.3", "GET", "/v1/card", "", ""},
};

#endif
