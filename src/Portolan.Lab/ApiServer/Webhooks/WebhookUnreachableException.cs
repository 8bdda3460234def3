namespace Portolan.Lab.ApiServer.Webhooks;

/// <summary>A webhook could not be asked, or what it answered is no answer; the message says why in the words of a real server.</summary>
internal sealed class WebhookUnreachableException(string message) : Exception(message);
